# Who must act now, and what usually comes next or what to do: a short sentence each.

whose-turn = { turn }

next-rejected = Find the reason in the log of { turn }, then publish the message again.
next-expired = Find out why nobody took it from queue { $queue } in time, then publish it again.
next-maxlen = Let the consumers of queue { $queue } catch up or raise its limit, then publish the message again.
next-given-up = Find out why queue { $queue } gave it up, then publish it again.
next-dead-held = Ask { turn } what becomes of the dead letter.
next-dead-taken = Find in the log of { turn } what became of the dead letter.

next-bind = { $exchange-is ->
    [default] Declare queue { $key }, then publish the message again.
    [named] Bind a queue to exchange { $exchange } with key { $key }, then publish the message again.
   *[unknown] Bind a queue for it, then publish the message again.
}

next-connect = Check that queue { $queue } has a consumer, and that it takes messages.
next-broker-refused = The broker refused it to its publisher: publish it again.
next-unconfirmed = The broker has not confirmed it: check that queue { $queue } has it.
next-given-back = Find in the log of { turn } why it gave the message back{ $times ->
    [one] .
   *[other] {" "}{ $times } times.
}
next-channel-closed = Find in the log of { turn } why its channel closed{ $times ->
    [one] .
   *[other] ; the message came back { $times } times.
}
next-settle = Find in the log of { turn } whether it still works on the message.

next-overdue = Find in the log of { turn } why the order does not go on.
next-overdue-status = { $status } should have followed: find in the log of { turn } why it has not.
next-status = { $status } should follow.
next-take = { turn-begins } should take it.
next-finish = { turn-begins } should finish it.
next-out-of-sight = Find in the log of { turn } what became of the message.
next-observe = To see its queues, switch the firehose on, or let clients connect through the proxy.
next-unanswered = Ask { turn } whether to publish it again.

next-spike = Open one of the messages, and compare it with the log of { turn }.
