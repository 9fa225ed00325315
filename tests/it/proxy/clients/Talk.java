import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.LongString;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A conversation of the Java client's with a broker: {@code Talk.java URL SEED}. See README.md for what it prints. */
public final class Talk {
    private static final int FRAME_MAX = 4096;
    private static final int HEARTBEAT = 3;
    /** Longer than a connection lives that gets no heartbeats. */
    private static final long IDLE_MS = 8000;
    private static final int MANY = 30;
    private static final long DEADLINE_MS = 30_000;

    private final Connection connection;
    private final long seed;
    private final Random random;
    private final Map<Channel, SortedMap<Long, String>> tags = new HashMap<>();
    /** The client tells of them in a thread of its own, before the confirm or the end of the transaction. */
    private final BlockingQueue<Returned> returned = new LinkedBlockingQueue<>();
    private Channel publisher;
    private int ids;

    /** The minimal standard generator: the same in every language. */
    private static final class Random {
        private long state;

        Random(long seed) {
            state = seed % 2147483646 + 1;
        }

        int below(int end) {
            state = state * 48271 % 2147483647;
            return (int) (state % end);
        }
    }

    private record Message(String name, AMQP.BasicProperties properties, byte[] body) {}

    private record Returned(String line, AMQP.BasicProperties properties, byte[] body) {}

    private record Order(String exchange, String key, int size, boolean mandatory) {
        Order(int size) {
            this("x", "k", size, false);
        }
    }

    private interface Step {
        void run(Channel channel) throws Exception;
    }

    private Talk(String url, long seed) throws Exception {
        ConnectionFactory factory = new ConnectionFactory();
        factory.setUri(url);
        factory.setRequestedFrameMax(FRAME_MAX);
        factory.setRequestedHeartbeat(HEARTBEAT);
        factory.setAutomaticRecoveryEnabled(false);
        this.connection = factory.newConnection("talk of Java");
        this.seed = seed;
        this.random = new Random(seed);
        say("note tuned", connection.getFrameMax(), connection.getHeartbeat(), connection.getChannelMax());
        Map<String, Object> server = connection.getServerProperties();
        say("note server", server.get("product"), server.get("version"));
    }

    private static void say(Object... words) {
        System.out.println(String.join(" ", Arrays.stream(words).map(String::valueOf).toList()));
    }

    private static String bar(Object... words) {
        return String.join("|", Arrays.stream(words).map(String::valueOf).toList());
    }

    // Publishing

    private Message message(int size) throws Exception {
        ids++;
        String name = "m" + ids;
        byte[] pattern = sha256((seed + ":" + name).getBytes(StandardCharsets.UTF_8));
        byte[] body = new byte[size];
        for (int at = 0; at < size; at++) {
            body[at] = pattern[at % pattern.length];
        }
        Map<String, Object> deep = new HashMap<>();
        deep.put("deeper", null);
        Map<String, Object> headers =
            Map.of("n", ids, "list", List.of(1, "two", true), "table", Map.of("deep", deep));
        AMQP.BasicProperties properties = new AMQP.BasicProperties.Builder()
            .messageId(name).headers(headers).deliveryMode(1 + ids % 2).contentType("application/octet-stream")
            .correlationId("order-" + name).type("talk").appId("java").priority(ids % 10)
            .timestamp(new Date(1_700_000_000_000L)).build();
        return new Message(name, properties, body);
    }

    /** All at once; the confirms come when they come, and are told in order. */
    private void publish(Channel channel, Order... orders) throws Exception {
        SortedMap<Long, String> open = Collections.synchronizedSortedMap(new TreeMap<>());
        SortedMap<Long, String> answers = new TreeMap<>();
        BlockingQueue<Integer> settled = new LinkedBlockingQueue<>();
        channel.clearConfirmListeners();
        channel.addConfirmListener(
            (tag, multiple) -> answer(open, answers, tag, multiple, "ack", settled),
            (tag, multiple) -> answer(open, answers, tag, multiple, "nack", settled));
        for (Order order : orders) {
            Message message = message(order.size);
            say("publish", bar(order.exchange, order.key, message.name, order.size));
            open.put(channel.getNextPublishSeqNo(), message.name);
            channel.basicPublish(order.exchange, order.key, order.mandatory, message.properties, message.body);
        }
        for (int left = orders.length; left > 0;) {
            left -= soon(settled);
        }
        tellReturned();
        answers.values().forEach(Talk::say);
    }

    private static void answer(SortedMap<Long, String> open, SortedMap<Long, String> answers, long tag,
            boolean multiple, String kind, BlockingQueue<Integer> settled) {
        List<Long> covered = multiple ? new ArrayList<>(open.headMap(tag + 1).keySet()) : List.of(tag);
        covered.forEach(one -> answers.put(one, "confirm " + kind + " " + open.remove(one)));
        settled.add(covered.size());
    }

    private static <T> T soon(BlockingQueue<T> queue) throws Exception {
        T value = queue.poll(DEADLINE_MS, TimeUnit.MILLISECONDS);
        if (value == null) {
            throw new IOException("nothing came");
        }
        return value;
    }

    private Channel returning(Channel channel) {
        channel.addReturnListener(message -> {
            AMQP.BasicProperties properties = message.getProperties();
            String what = bar(message.getExchange(), message.getRoutingKey(), properties.getMessageId(),
                message.getBody().length);
            returned.add(new Returned("return " + message.getReplyCode() + " " + what, properties, message.getBody()));
        });
        return channel;
    }

    private void tellReturned() {
        for (Returned one = returned.poll(); one != null; one = returned.poll()) {
            say(one.line);
            saw(one.properties, one.body);
        }
    }

    // What comes

    private static byte[] sha256(byte[] bytes) throws Exception {
        return MessageDigest.getInstance("SHA-256").digest(bytes);
    }

    private static void saw(AMQP.BasicProperties properties, byte[] body) {
        try {
            String digest = HexFormat.of().formatHex(sha256(body)).substring(0, 16);
            say("note saw", digest, properties.getContentType(), properties.getDeliveryMode(),
                properties.getPriority(), properties.getCorrelationId(), properties.getType(), properties.getAppId(),
                properties.getTimestamp().getTime(), plain(properties.getHeaders()));
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    /** Without what differs from run to run: the time of a death. */
    private static Object plain(Object value) {
        if (value instanceof Map<?, ?> map) {
            SortedMap<String, Object> sorted = new TreeMap<>();
            map.forEach((key, one) -> {
                if (!(one instanceof Date)) {
                    sorted.put(key.toString(), plain(one));
                }
            });
            return sorted;
        }
        if (value instanceof List<?> list) {
            return list.stream().map(Talk::plain).toList();
        }
        return value instanceof LongString text ? text.toString() : value;
    }

    private long came(Channel channel, String queue, Envelope envelope, AMQP.BasicProperties properties, byte[] body,
            boolean noAck) {
        long tag = envelope.getDeliveryTag();
        String name = properties.getMessageId();
        say("deliver", bar(queue, tag, envelope.isRedeliver(), envelope.getExchange(), envelope.getRoutingKey(), name,
            body.length, noAck));
        saw(properties, body);
        if (!noAck) {
            tags.computeIfAbsent(channel, one -> new TreeMap<>()).put(tag, name);
        }
        return tag;
    }

    private long get(Channel channel, String queue, boolean noAck) throws Exception {
        GetResponse got = channel.basicGet(queue, noAck);
        if (got == null) {
            say("note nothing in", queue);
            return 0;
        }
        return came(channel, queue, got.getEnvelope(), got.getProps(), got.getBody(), noAck);
    }

    private long get(Channel channel, String queue) throws Exception {
        return get(channel, queue, false);
    }

    private static BlockingQueue<Delivery> consume(Channel channel, String queue, String tag,
            BlockingQueue<String> cancelled) throws Exception {
        BlockingQueue<Delivery> deliveries = new LinkedBlockingQueue<>();
        channel.basicConsume(queue, false, tag, new DefaultConsumer(channel) {
            @Override
            public void handleDelivery(String consumer, Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
                deliveries.add(new Delivery(envelope, properties, body));
            }

            @Override
            public void handleCancel(String consumer) {
                cancelled.add(consumer);
            }
        });
        return deliveries;
    }

    private void take(Channel channel, String queue, BlockingQueue<Delivery> deliveries, int count) throws Exception {
        for (int left = count; left > 0; left--) {
            Delivery delivery = soon(deliveries);
            came(channel, queue, delivery.getEnvelope(), delivery.getProperties(), delivery.getBody(), false);
        }
    }

    private static void waitReady(Channel channel, String queue, int count) throws Exception {
        while (channel.messageCount(queue) < count) {
            Thread.onSpinWait();
        }
    }

    // Settling

    /** What a method settles, by the book. */
    private void settled(Channel channel, long tag, String kind, boolean requeue, boolean multiple) {
        SortedMap<Long, String> held = tags.getOrDefault(channel, new TreeMap<>());
        for (long one : new ArrayList<>(held.keySet())) {
            if (one == tag || multiple && (tag == 0 || one <= tag)) {
                say("settle", kind, bar(requeue, multiple, held.remove(one)));
            }
        }
    }

    private void ack(Channel channel, long tag, boolean multiple) throws Exception {
        channel.basicAck(tag, multiple);
        settled(channel, tag, "ack", false, multiple);
    }

    private void nack(Channel channel, long tag, boolean requeue, boolean multiple) throws Exception {
        channel.basicNack(tag, multiple, requeue);
        settled(channel, tag, "nack", requeue, multiple);
    }

    private void reject(Channel channel, long tag, boolean requeue) throws Exception {
        channel.basicReject(tag, requeue);
        settled(channel, tag, "reject", requeue, false);
    }

    private void gaveBack(Channel channel, String kind) {
        SortedMap<Long, String> held = tags.remove(channel);
        if (held != null) {
            held.values().forEach(name -> say("settle", kind, bar(true, name)));
        }
    }

    // The conversation

    private int confirms() throws Exception {
        publisher = returning(connection.createChannel());
        publisher.exchangeDeclare("x", "direct");
        publisher.queueDeclare("q", true, false, false,
            Map.of("x-dead-letter-exchange", "", "x-dead-letter-routing-key", "dead"));
        publisher.queueDeclare("dead", true, false, false, null);
        publisher.queueBind("q", "x", "k");
        publisher.confirmSelect();
        int room = FRAME_MAX - 8;
        List<Order> orders = new ArrayList<>();
        for (int size : new int[] {0, 1, room - 1, room, room + 1, 1 << 20}) {
            orders.add(new Order(size));
        }
        for (int count = 0; count < 6; count++) {
            orders.add(new Order(random.below(30_000)));
        }
        publish(publisher, orders.toArray(Order[]::new));
        publish(publisher, new Order("x", "nowhere", 5000, true), new Order("x", "nowhere", 0, true),
            new Order("x", "nowhere", 10, false));
        return orders.size();
    }

    private void settlements(int count) throws Exception {
        Channel channel = connection.createChannel();
        BlockingQueue<Delivery> deliveries = consume(channel, "q", "", new LinkedBlockingQueue<>());
        take(channel, "q", deliveries, count);
        ack(channel, 1, false);
        ack(channel, 3, true);
        nack(channel, 4, false, false);
        reject(channel, 5, false);
        nack(channel, 7, true, true);
        take(channel, "q", deliveries, 2);
        reject(channel, 8, true);
        take(channel, "q", deliveries, 1);
        ack(channel, 0, true);
        channel.close();
    }

    private void gets() throws Exception {
        Channel channel = connection.createChannel();
        get(channel, "q");
        publish(publisher, new Order(10), new Order(0), new Order(5000), new Order(20));
        ack(channel, get(channel, "q"), false);
        get(channel, "q", true);
        nack(channel, get(channel, "q"), true, false);
        reject(channel, get(channel, "q"), false);
        ack(channel, get(channel, "q"), false);
        waitReady(channel, "dead", 3);
        for (int left = 3; left > 0; left--) {
            get(channel, "dead", true);
        }
        channel.close();
    }

    private void recovery() throws Exception {
        Channel channel = connection.createChannel();
        publish(publisher, new Order(1), new Order(4100));
        get(channel, "q");
        get(channel, "q");
        channel.basicRecover(true);
        gaveBack(channel, "recover");
        get(channel, "q");
        ack(channel, get(channel, "q"), true);
        channel.close();
    }

    private void transactions() throws Exception {
        Channel channel = returning(connection.createChannel());
        channel.txSelect();
        List<String> sent = new ArrayList<>();
        for (Order order : List.of(new Order(5000), new Order("x", "nowhere", 30, true), new Order(0))) {
            Message message = message(order.size);
            channel.basicPublish("x", order.key, order.mandatory, message.properties, message.body);
            sent.add("publish " + bar("x", order.key, message.name, order.size));
            sent.add("confirm ack " + message.name);
        }
        channel.txCommit();
        sent.forEach(Talk::say);
        tellReturned();
        for (int size : new int[] {7, 4097}) {
            Message message = message(size);
            channel.basicPublish("x", "k", message.properties, message.body);
        }
        channel.txRollback();
        long first = get(channel, "q");
        long second = get(channel, "q");
        get(channel, "q");
        channel.basicAck(first, false);
        channel.txRollback();
        channel.basicAck(first, false);
        channel.basicReject(second, false);
        channel.txCommit();
        settled(channel, first, "ack", false, false);
        settled(channel, second, "reject", false, false);
        waitReady(channel, "dead", 1);
        get(channel, "dead", true);
        channel.close();
    }

    private void cancels() throws Exception {
        Channel channel = connection.createChannel();
        channel.basicQos(2);
        publish(publisher, new Order(3), new Order(2), new Order(1));
        BlockingQueue<String> cancelled = new LinkedBlockingQueue<>();
        take(channel, "q", consume(channel, "q", "reader", cancelled), 2);
        channel.basicCancel("reader");
        ack(channel, 1, false);
        nack(channel, 2, true, false);
        ack(channel, get(channel, "q"), false);
        ack(channel, get(channel, "q"), false);
        channel.queueDeclare("gone", false, false, false, null);
        consume(channel, "gone", "left", cancelled);
        publisher.queueDelete("gone");
        say("note cancelled by the broker:", soon(cancelled));
        channel.close();
    }

    private void mistakes() throws Exception {
        List<Step> mistakes = List.of(
            channel -> channel.queueDeclare("q", false, false, false, null),
            channel -> channel.queueDeclarePassive("missing"),
            channel -> {
                channel.basicAck(99, false);
                channel.queueDeclarePassive("q");
            });
        for (Step mistake : mistakes) {
            Channel channel = connection.createChannel();
            publish(publisher, new Order(9));
            get(channel, "q");
            closes(channel, mistake);
            gaveBack(channel, "close");
            channel = connection.createChannel();
            ack(channel, get(channel, "q"), false);
            channel.close();
        }
        Message message = message(11);
        say("publish", bar("missing", "k", message.name, 11));
        closes(connection.createChannel(), channel -> {
            channel.basicPublish("missing", "k", message.properties, message.body);
            channel.queueDeclarePassive("q");
        });
    }

    private static void closes(Channel channel, Step mistake) throws Exception {
        BlockingQueue<AMQP.Channel.Close> told = new LinkedBlockingQueue<>();
        channel.addShutdownListener(cause -> told.add((AMQP.Channel.Close) cause.getReason()));
        try {
            mistake.run(channel);
            throw new AssertionError("that was no mistake");
        } catch (IOException | ShutdownSignalException expected) {
            AMQP.Channel.Close close = soon(told);
            say("note channel closed:", close.getReplyCode(), close.getReplyText());
        }
    }

    private void many() throws Exception {
        List<Channel> channels = new ArrayList<>();
        List<String> queues = new ArrayList<>();
        for (int count = 0; count < MANY; count++) {
            Channel channel = returning(connection.createChannel());
            channel.confirmSelect();
            channels.add(channel);
            queues.add(channel.queueDeclare("", false, true, false, null).getQueue());
        }
        for (int at = 0; at < MANY; at++) {
            publish(channels.get((at + 1) % MANY), new Order("", queues.get(at), random.below(9000), false));
        }
        for (int at = 0; at < MANY; at++) {
            ack(channels.get(at), get(channels.get(at), queues.get(at)), false);
        }
    }

    private void end() throws Exception {
        Thread.sleep(IDLE_MS);
        publish(publisher, new Order(42));
        Channel channel = connection.createChannel();
        get(channel, "q");
        connection.close();
        gaveBack(channel, "close");
        say("note closed");
    }

    public static void main(String[] arguments) throws Exception {
        Talk talk = new Talk(arguments[0], Long.parseLong(arguments[1]));
        int count = talk.confirms();
        talk.settlements(count);
        talk.gets();
        talk.recovery();
        talk.transactions();
        talk.cancels();
        talk.mistakes();
        talk.many();
        talk.end();
    }
}
