//! The methods that an observer must understand, read without copying (AMQP 0-9-1, section 1 of its reference, and
//! RabbitMQ's extensions: `basic.nack`, `confirm`, `connection.blocked`).

use super::bytes::{Bytes, Malformed};

/// A method. A method that says nothing about messages, deliveries or the session's end is [`Method::Other`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Method<'a> {
    StartOk {
        client_properties: &'a [u8],
        mechanism: &'a [u8],
        response: &'a [u8],
    },
    TuneOk {
        frame_max: u32,
    },
    Open {
        vhost: &'a [u8],
    },
    OpenOk,
    ConnectionClose {
        code: u16,
        text: &'a [u8],
    },
    ConnectionCloseOk,
    Blocked {
        reason: &'a [u8],
    },
    Unblocked,
    ChannelOpen,
    ChannelClose {
        code: u16,
        text: &'a [u8],
    },
    ChannelCloseOk,
    QueueDeclare {
        queue: &'a [u8],
        no_wait: bool,
    },
    QueueDeclareOk {
        queue: &'a [u8],
    },
    Consume {
        queue: &'a [u8],
        consumer_tag: &'a [u8],
        no_ack: bool,
        no_wait: bool,
    },
    ConsumeOk {
        consumer_tag: &'a [u8],
    },
    /// Either side may send it.
    Cancel {
        consumer_tag: &'a [u8],
        no_wait: bool,
    },
    CancelOk {
        consumer_tag: &'a [u8],
    },
    Publish {
        exchange: &'a [u8],
        routing_key: &'a [u8],
    },
    Return {
        code: u16,
        text: &'a [u8],
        exchange: &'a [u8],
        routing_key: &'a [u8],
    },
    Deliver {
        consumer_tag: &'a [u8],
        tag: u64,
        redelivered: bool,
        exchange: &'a [u8],
        routing_key: &'a [u8],
    },
    Get {
        queue: &'a [u8],
        no_ack: bool,
    },
    GetOk {
        tag: u64,
        redelivered: bool,
        exchange: &'a [u8],
        routing_key: &'a [u8],
    },
    GetEmpty,
    /// Either side may send it.
    Ack {
        tag: u64,
        multiple: bool,
    },
    /// Either side may send it.
    Nack {
        tag: u64,
        multiple: bool,
        requeue: bool,
    },
    Reject {
        tag: u64,
        requeue: bool,
    },
    RecoverAsync,
    Recover,
    RecoverOk,
    ConfirmSelect,
    TxSelect,
    TxCommit,
    TxCommitOk,
    TxRollback,
    TxRollbackOk,
    Other,
}

impl<'a> Method<'a> {
    /// Reads the payload of a method frame.
    pub(super) fn read(payload: &'a [u8]) -> Result<Method<'a>, Malformed> {
        let mut bytes = Bytes::new(payload);
        let (class, method) = (bytes.u16()?, bytes.u16()?);
        match class {
            10 => connection(method, &mut bytes),
            20 => channel(method, &mut bytes),
            50 => queue(method, &mut bytes),
            60 => basic(method, &mut bytes),
            85 if method == 10 => Ok(Method::ConfirmSelect),
            90 => Ok(tx(method)),
            _ => Ok(Method::Other),
        }
    }
}

type Read<'a> = Result<Method<'a>, Malformed>;

fn connection<'a>(method: u16, bytes: &mut Bytes<'a>) -> Read<'a> {
    Ok(match method {
        11 => Method::StartOk { client_properties: bytes.long()?, mechanism: bytes.short()?, response: bytes.long()? },
        31 => {
            bytes.u16()?;
            Method::TuneOk { frame_max: bytes.u32()? }
        }
        40 => Method::Open { vhost: bytes.short()? },
        41 => Method::OpenOk,
        50 => Method::ConnectionClose { code: bytes.u16()?, text: bytes.short()? },
        51 => Method::ConnectionCloseOk,
        60 => Method::Blocked { reason: bytes.short()? },
        61 => Method::Unblocked,
        _ => Method::Other,
    })
}

fn channel<'a>(method: u16, bytes: &mut Bytes<'a>) -> Read<'a> {
    Ok(match method {
        10 => Method::ChannelOpen,
        40 => Method::ChannelClose { code: bytes.u16()?, text: bytes.short()? },
        41 => Method::ChannelCloseOk,
        _ => Method::Other,
    })
}

fn queue<'a>(method: u16, bytes: &mut Bytes<'a>) -> Read<'a> {
    Ok(match method {
        10 => {
            bytes.u16()?;
            Method::QueueDeclare { queue: bytes.short()?, no_wait: bytes.u8()? & 16 != 0 }
        }
        11 => Method::QueueDeclareOk { queue: bytes.short()? },
        _ => Method::Other,
    })
}

fn basic<'a>(method: u16, bytes: &mut Bytes<'a>) -> Read<'a> {
    Ok(match method {
        20 => {
            bytes.u16()?;
            let (queue, consumer_tag, bits) = (bytes.short()?, bytes.short()?, bytes.u8()?);
            Method::Consume { queue, consumer_tag, no_ack: bits & 2 != 0, no_wait: bits & 8 != 0 }
        }
        21 => Method::ConsumeOk { consumer_tag: bytes.short()? },
        30 => Method::Cancel { consumer_tag: bytes.short()?, no_wait: bytes.u8()? & 1 != 0 },
        31 => Method::CancelOk { consumer_tag: bytes.short()? },
        40 => {
            bytes.u16()?;
            Method::Publish { exchange: bytes.short()?, routing_key: bytes.short()? }
        }
        50 => Method::Return {
            code: bytes.u16()?,
            text: bytes.short()?,
            exchange: bytes.short()?,
            routing_key: bytes.short()?,
        },
        60 => Method::Deliver {
            consumer_tag: bytes.short()?,
            tag: bytes.u64()?,
            redelivered: bytes.u8()? & 1 != 0,
            exchange: bytes.short()?,
            routing_key: bytes.short()?,
        },
        70 => {
            bytes.u16()?;
            Method::Get { queue: bytes.short()?, no_ack: bytes.u8()? & 1 != 0 }
        }
        71 => Method::GetOk {
            tag: bytes.u64()?,
            redelivered: bytes.u8()? & 1 != 0,
            exchange: bytes.short()?,
            routing_key: bytes.short()?,
        },
        72 => Method::GetEmpty,
        80 => Method::Ack { tag: bytes.u64()?, multiple: bytes.u8()? & 1 != 0 },
        90 => Method::Reject { tag: bytes.u64()?, requeue: bytes.u8()? & 1 != 0 },
        100 => Method::RecoverAsync,
        110 => Method::Recover,
        111 => Method::RecoverOk,
        120 => {
            let (tag, bits) = (bytes.u64()?, bytes.u8()?);
            Method::Nack { tag, multiple: bits & 1 != 0, requeue: bits & 2 != 0 }
        }
        _ => Method::Other,
    })
}

fn tx<'a>(method: u16) -> Method<'a> {
    match method {
        10 => Method::TxSelect,
        20 => Method::TxCommit,
        21 => Method::TxCommitOk,
        30 => Method::TxRollback,
        31 => Method::TxRollbackOk,
        _ => Method::Other,
    }
}

/// A content header up to its properties.
pub(super) struct ContentHeader<'a> {
    /// Bytes of the body.
    pub(super) body_len: u64,
    /// The flags of the present properties, and the properties.
    pub(super) properties: Bytes<'a>,
}

impl<'a> ContentHeader<'a> {
    pub(super) fn read(payload: &'a [u8]) -> Result<ContentHeader<'a>, Malformed> {
        let mut bytes = Bytes::new(payload);
        let (_class, _weight) = (bytes.u16()?, bytes.u16()?);
        Ok(ContentHeader { body_len: bytes.u64()?, properties: bytes })
    }
}
