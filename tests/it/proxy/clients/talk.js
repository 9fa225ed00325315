// A conversation of amqplib's with a broker: `talk.js URL SEED`. See README.md for what it prints. amqplib has no
// transactions.
'use strict';

const { createHash } = require('node:crypto');
const { connect } = require('amqplib');

const FRAME_MAX = 4096;
const HEARTBEAT = 3;
// Longer than a connection lives that gets no heartbeats.
const IDLE_MS = 8000;
const MANY = 30;

const end = (channel) => new Promise((resolve) => { channel.on('close', resolve); });
const say = (...words) => console.log(words.join(' '));

/** The minimal standard generator: the same in every language. */
class Random {
  constructor(seed) {
    this.state = (seed % 2147483646) + 1;
  }

  below(end) {
    this.state = (this.state * 48271) % 2147483647;
    return this.state % end;
  }
}

/** Deliveries of a consumer, to be waited for. */
class Deliveries {
  constructor() {
    this.came = [];
    this.wake = () => {};
  }

  push(message) {
    this.came.push(message);
    this.wake();
  }

  async next() {
    while (this.came.length === 0) await new Promise((resolve) => { this.wake = resolve; });
    return this.came.shift();
  }
}

class Talk {
  constructor(connection, seed) {
    this.connection = connection;
    this.seed = seed;
    this.random = new Random(seed);
    this.ids = 0;
    this.tags = new Map();
    this.errors = new Map();
  }

  static async open(url, seed) {
    const options = { clientProperties: { connection_name: 'talk of amqplib' } };
    const connection = await connect(`${url}?frameMax=${FRAME_MAX}&heartbeat=${HEARTBEAT}`, options);
    const inner = connection.connection;
    say('note tuned', inner.frameMax, inner.heartbeat, inner.channelMax);
    say('note server', inner.serverProperties.product, inner.serverProperties.version);
    return new Talk(connection, seed);
  }

  watch(channel) {
    channel.on('error', (error) => this.errors.set(channel, error.message));
    return channel;
  }

  async channel() {
    return this.watch(await this.connection.createChannel());
  }

  async confirmChannel() {
    const channel = this.watch(await this.connection.createConfirmChannel());
    channel.on('return', (message) => {
      const { replyCode, exchange, routingKey } = message.fields;
      const id = message.properties.messageId;
      say('return', replyCode, `${exchange}|${routingKey}|${id}|${message.content.length}`);
      this.saw(message);
    });
    return channel;
  }

  // Publishing

  message(size) {
    this.ids += 1;
    const name = `m${this.ids}`;
    const pattern = createHash('sha256').update(`${this.seed}:${name}`).digest();
    const headers = { n: this.ids, list: [1, 'two', true], table: { deep: { deeper: null } } };
    const properties = {
      messageId: name, headers, deliveryMode: 1 + (this.ids % 2), contentType: 'application/octet-stream',
      correlationId: `order-${name}`, type: 'talk', appId: 'amqplib', priority: this.ids % 10, timestamp: 1700000000,
    };
    return { name, properties, body: Buffer.alloc(size, pattern) };
  }

  /** All at once; the confirms come when they come, and are told in order. */
  async publish(channel, list) {
    const answers = [];
    for (const [exchange, key, size, mandatory] of list) {
      const { name, properties, body } = this.message(size);
      say('publish', `${exchange}|${key}|${name}|${size}`);
      answers.push(new Promise((resolve) => {
        const told = (error) => resolve(`confirm ${error ? 'nack' : 'ack'} ${name}`);
        channel.publish(exchange, key, body, { ...properties, mandatory: mandatory === true }, told);
      }));
    }
    for (const line of await Promise.all(answers)) say(line);
  }

  // What comes

  saw({ properties, content }) {
    const said = Object.entries(properties).filter(([, value]) => value !== undefined).sort();
    for (const entry of properties.headers['x-death'] ?? []) delete entry.time;
    say('note saw', createHash('sha256').update(content).digest('hex').slice(0, 16), JSON.stringify(said));
  }

  came(channel, queue, message, noAck = false) {
    const { deliveryTag, redelivered, exchange, routingKey } = message.fields;
    const id = message.properties.messageId;
    say('deliver', [queue, deliveryTag, redelivered, exchange, routingKey, id, message.content.length, noAck].join('|'));
    this.saw(message);
    if (!noAck) {
      if (!this.tags.has(channel)) this.tags.set(channel, new Map());
      this.tags.get(channel).set(deliveryTag, id);
    }
    return deliveryTag;
  }

  async get(channel, queue, noAck = false) {
    const message = await channel.get(queue, { noAck });
    if (message === false) {
      say('note nothing in', queue);
      return null;
    }
    return this.came(channel, queue, message, noAck);
  }

  async take(channel, queue, deliveries, count) {
    for (let left = count; left > 0; left -= 1) this.came(channel, queue, await deliveries.next());
  }

  async waitReady(channel, queue, count) {
    while ((await channel.checkQueue(queue)).messageCount < count);
  }

  // Settling

  /** What a method settles, by the book. */
  settled(channel, tag, kind, requeue, multiple) {
    const held = this.tags.get(channel) ?? new Map();
    for (const one of [...held.keys()].sort((a, b) => a - b)) {
      if (one === tag || (multiple && (tag === 0 || one <= tag))) {
        say('settle', kind, `${requeue}|${multiple}|${held.get(one)}`);
        held.delete(one);
      }
    }
  }

  ack(channel, deliveryTag, multiple = false) {
    channel.ack({ fields: { deliveryTag } }, multiple);
    this.settled(channel, deliveryTag, 'ack', false, multiple);
  }

  ackAll(channel) {
    channel.ackAll();
    this.settled(channel, 0, 'ack', false, true);
  }

  nack(channel, deliveryTag, requeue, multiple = false) {
    channel.nack({ fields: { deliveryTag } }, multiple, requeue);
    this.settled(channel, deliveryTag, 'nack', requeue, multiple);
  }

  reject(channel, deliveryTag, requeue) {
    channel.reject({ fields: { deliveryTag } }, requeue);
    this.settled(channel, deliveryTag, 'reject', requeue, false);
  }

  gaveBack(channel, kind) {
    const held = this.tags.get(channel) ?? new Map();
    for (const [, name] of [...held].sort(([a], [b]) => a - b)) say('settle', kind, `true|${name}`);
    this.tags.delete(channel);
  }

  // The conversation

  async confirms() {
    const channel = await this.confirmChannel();
    this.publisher = channel;
    await channel.assertExchange('x', 'direct', { durable: false });
    await channel.assertQueue('q', { deadLetterExchange: '', deadLetterRoutingKey: 'dead' });
    await channel.assertQueue('dead');
    await channel.bindQueue('q', 'x', 'k');
    const room = FRAME_MAX - 8;
    const sizes = [0, 1, room - 1, room, room + 1, 1 << 20];
    for (let count = 0; count < 6; count += 1) sizes.push(this.random.below(30000));
    await this.publish(channel, sizes.map((size) => ['x', 'k', size]));
    await this.publish(channel, [['x', 'nowhere', 5000, true], ['x', 'nowhere', 0, true], ['x', 'nowhere', 10]]);
    return sizes.length;
  }

  async settlements(count) {
    const channel = await this.channel();
    const deliveries = new Deliveries();
    await channel.consume('q', (message) => deliveries.push(message));
    await this.take(channel, 'q', deliveries, count);
    this.ack(channel, 1);
    this.ack(channel, 3, true);
    this.nack(channel, 4, false);
    this.reject(channel, 5, false);
    this.nack(channel, 7, true, true);
    await this.take(channel, 'q', deliveries, 2);
    this.reject(channel, 8, true);
    await this.take(channel, 'q', deliveries, 1);
    this.ackAll(channel);
    await channel.close();
  }

  async gets() {
    const channel = await this.channel();
    await this.get(channel, 'q');
    await this.publish(this.publisher, [10, 0, 5000, 20].map((size) => ['x', 'k', size]));
    this.ack(channel, await this.get(channel, 'q'));
    await this.get(channel, 'q', true);
    this.nack(channel, await this.get(channel, 'q'), true);
    this.reject(channel, await this.get(channel, 'q'), false);
    this.ack(channel, await this.get(channel, 'q'));
    await this.waitReady(channel, 'dead', 3);
    for (let left = 3; left > 0; left -= 1) await this.get(channel, 'dead', true);
    await channel.close();
  }

  async recovery() {
    const channel = await this.channel();
    await this.publish(this.publisher, [1, 4100].map((size) => ['x', 'k', size]));
    await this.get(channel, 'q');
    await this.get(channel, 'q');
    await channel.recover();
    this.gaveBack(channel, 'recover');
    await this.get(channel, 'q');
    this.ack(channel, await this.get(channel, 'q'), true);
    await channel.close();
  }

  async cancels() {
    const channel = await this.channel();
    await channel.prefetch(2);
    await this.publish(this.publisher, [3, 2, 1].map((size) => ['x', 'k', size]));
    const deliveries = new Deliveries();
    await channel.consume('q', (message) => deliveries.push(message), { consumerTag: 'reader' });
    await this.take(channel, 'q', deliveries, 2);
    await channel.cancel('reader');
    this.ack(channel, 1);
    this.nack(channel, 2, true);
    for (let left = 2; left > 0; left -= 1) this.ack(channel, await this.get(channel, 'q'));
    await channel.assertQueue('gone');
    await channel.consume('gone', (message) => deliveries.push(message), { consumerTag: 'left' });
    await this.publisher.deleteQueue('gone');
    say('note cancelled by the broker:', await deliveries.next());
    await channel.close();
  }

  async mistakes() {
    const mistakes = [
      (channel) => channel.assertQueue('q', { durable: false }),
      (channel) => channel.checkQueue('missing'),
      (channel) => {
        channel.ack({ fields: { deliveryTag: 99 } });
        return channel.checkQueue('q');
      },
    ];
    for (const mistake of mistakes) {
      const channel = await this.channel();
      await this.publish(this.publisher, [['x', 'k', 9]]);
      await this.get(channel, 'q');
      const closed = end(channel);
      await mistake(channel).then(() => { throw new Error('that was no mistake'); }, () => closed);
      say('note channel closed:', this.errors.get(channel));
      this.gaveBack(channel, 'close');
      const next = await this.channel();
      this.ack(next, await this.get(next, 'q'));
      await next.close();
    }
    const channel = await this.channel();
    const { name, properties, body } = this.message(11);
    say('publish', `missing|k|${name}|11`);
    const closed = end(channel);
    channel.publish('missing', 'k', body, properties);
    await closed;
    say('note channel closed:', this.errors.get(channel));
  }

  async many() {
    const [channels, queues] = [[], []];
    for (let count = 0; count < MANY; count += 1) channels.push(await this.confirmChannel());
    for (const channel of channels) queues.push((await channel.assertQueue('', { exclusive: true })).queue);
    for (let at = 0; at < MANY; at += 1) {
      await this.publish(channels[(at + 1) % MANY], [['', queues[at], this.random.below(9000)]]);
    }
    for (let at = 0; at < MANY; at += 1) this.ack(channels[at], await this.get(channels[at], queues[at]));
  }

  async end() {
    await new Promise((resolve) => { setTimeout(resolve, IDLE_MS); });
    await this.publish(this.publisher, [['x', 'k', 42]]);
    const channel = await this.channel();
    await this.get(channel, 'q');
    await this.connection.close();
    this.gaveBack(channel, 'close');
    say('note closed');
  }

  async run() {
    const count = await this.confirms();
    await this.settlements(count);
    await this.gets();
    await this.recovery();
    await this.cancels();
    await this.mistakes();
    await this.many();
    await this.end();
  }
}

const [url, seed] = process.argv.slice(2);
Talk.open(url, Number(seed)).then((talk) => talk.run()).catch((error) => {
  console.error(error);
  process.exit(1);
});
