# Where an order or a message stands: one headline of at most 25 words each, in which no moment stands twice.

# A queue gave the message up. A second sentence, "fate-…", follows each.
dead-rejected = { consumer-begins } refused (rejected) { message } from queue { $queue } { dead-when }.
dead-expired = { message-begins } expired in queue { $queue } { dead-when }.
dead-maxlen = Queue { $queue } was full (maxlen) and gave up { message } on { $at }.
dead-delivery-limit = Queue { $queue } gave up { message } on { $at } after { $deliveries ->
    [0] too many deliveries
    [one] one delivery
   *[other] { $deliveries } deliveries
} (delivery_limit).
dead-other = Queue { $queue } gave up { message } { dead-when } ({ $reason }).
dead-when = { $times ->
    [one] on { $at }
   *[other] { $times } times, last on { $at }
}

# Where the dead letter is now.
fate-waits = Nobody has taken it since.
fate-held = { consumer-begins } has it now.
fate-taken = { consumer-begins } has taken it since.
fate-refused = { consumer-begins } has refused it since.
fate-given-back = { consumer-begins } gave it back.
fate-unseen = Where it went was not observed.

# Nobody was there to take it.
unroutable-lost = { publisher-begins } sent { message } to { place } on { $at }, and no queue took it: it was lost.
unroutable-returned = { publisher-begins } sent { message } to { place } on { $at }, and no queue took it: the broker returned it.

# Past a limit.
undelivered = { message-begins } has been waiting in queue { $queue } for { $lasts }; the limit is { $limit }.
undelivered-given-back = { consumer-begins } gave { message } back to { $queue } { $lasts } ago; nobody has taken it since, limit { $limit }.
unsettled = { consumer-begins } took { message } from { $queue } { $lasts } ago and has not finished; the limit is { $limit }.
overdue = The order has been in { $status } for { $lasts }; the limit is { $limit }.

# On its way, within its limits.
in-status = On its way: { $status } for { $lasts }.
in-status-left = On its way: { $status } for { $lasts }, { $left } left.
waiting = On its way: { message } has been waiting in { $queues ->
    [one] queue { $queue }
   *[other] { $queues } queues
} for { $lasts }; the limit is { $limit }.
waiting-given-back = On its way: { consumer } gave { message } back to { $queue } { $lasts } ago; the limit is { $limit }.
held = On its way: { consumer } took { message } from { $queue } { $lasts } ago; the limit is { $limit }.

# Completed. A second sentence, "but-…", follows where one of the order's messages is in trouble all the same.
completed = Completed ({ $status }) on { $at }.
completed-after = Completed ({ $status }) on { $at }, { $took } after { $first }.
but-dead = But queue { $queue } gave up { message }.
but-unroutable = But no queue took { message }.
but-undelivered = But { message } still waits in queue { $queue }.
but-unsettled = But { consumer } still holds { message }.

# A message that reached its consumers.
delivered = { consumer-begins } took { message } from queue { $queue } on { $at }.
delivered-finished = { consumer-begins } took { message } from queue { $queue } on { $at } and finished after { $held }.
delivered-to-all = { message-begins } reached the consumers of { $queues } queues; { consumer } took it last, on { $at }.

# Not known.
out-of-sight = Not known: { consumer } took { message } from { $queue } on { $at }; how that ended was not observed.
refused = Not known: { consumer } refused { message } from { $queue } on { $at }; nobody has seen it since.
sent = Not known: { publisher } sent { message } on { $at }; which queues took it was not observed.
sent-unconfirmed = Not known: { publisher } sent { message } on { $at }; neither its queues nor a confirm were observed.
sent-confirmed = Not known: { publisher } sent { message } on { $at }; the broker confirmed it, its queues were not observed.
sent-refused = Not known: { publisher } sent { message } on { $at }, and the broker refused it.
unobserved = Not known: neither its publish nor its deliveries were observed.

# Alerts: a queue gave up many messages within a short time.
spike-rejected = Consumers refused (rejected) { spike-messages } of queue { $queue } within { $window }; { spike-threshold } a spike.
spike-expired = { spike-messages-begin } expired in queue { $queue } within { $window }; { spike-threshold } a spike.
spike-maxlen = Queue { $queue } was full (maxlen) and gave up { spike-messages } within { $window }; { spike-threshold } a spike.
spike-delivery-limit = Queue { $queue } gave up { spike-messages } after too many deliveries (delivery_limit) within { $window }; { spike-threshold } a spike.
spike-other = Queue { $queue } gave up { spike-messages } ({ $reason }) within { $window }; { spike-threshold } a spike.
spike-threshold = { $threshold ->
    [one] one is
   *[other] { $threshold } are
}
spike-messages = { $count ->
    [one] one message
   *[other] { $count } messages
}
spike-messages-begin = { $count ->
    [one] One message
   *[other] { $count } messages
}
spike-over = Over: { $spike }
