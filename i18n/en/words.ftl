# Moments, lengths, and the names of those who act: what the sentences of the other files are made of.
#
# Choices end in "-is". Where something is "unknown", its name is empty.

# A part of a length: two of them at most stand side by side, as in "2 d 4 h".
length-part = { $unit ->
    [days] { $count } d
    [hours] { $count } h
    [minutes] { $count } min
    [seconds] { $count } s
   *[milliseconds] { $count } ms
}

month = { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
}

# In a sentence.
moment = { $day } { month } { $year }, { $clock } UTC
# In a table or a list that says that its times are in UTC.
moment-bare = { $day } { month } { $year }, { $clock }

message = { $message-is ->
    [alone] the message
    [of-order] the order's message
   *[by-id] message { $message }
}
message-begins = { $message-is ->
    [alone] The message
    [of-order] The order's message
   *[by-id] Message { $message }
}

consumer = { $consumer-is ->
    [known] { $consumer }
   *[unknown] a consumer
}
consumer-begins = { $consumer-is ->
    [known] { $consumer }
   *[unknown] A consumer
}

publisher = { $publisher-is ->
    [known] { $publisher }
   *[unknown] a publisher
}
publisher-begins = { $publisher-is ->
    [known] { $publisher }
   *[unknown] A publisher
}

# Where a message was sent to.
place = { $exchange-is ->
    [default] queue { $key }
    [named] exchange { $exchange }
   *[unknown] an exchange
}

# Whose turn it is: a service or client by its name, those who consume a queue, or those who publish to an exchange.
turn = { $turn-is ->
    [named] { $turn }
    [consumer] the consumer of queue { $turn }
    [publisher] the publisher to exchange { $turn }
   *[some-publisher] the publisher
}
turn-begins = { $turn-is ->
    [named] { $turn }
    [consumer] The consumer of queue { $turn }
    [publisher] The publisher to exchange { $turn }
   *[some-publisher] The publisher
}
