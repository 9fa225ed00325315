//! Up to which delivery tag a channel may be acknowledged. Pure.
//!
//! Deliveries that become no event are acknowledged, too, but never ahead of an earlier one that is not durable yet. An
//! acknowledgement with `multiple` covers every tag up to the one it names (AMQP 0-9-1, basic.ack).

/// The tags of one channel.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    seen: u64,
    recorded: u64,
    acknowledged: u64,
}

impl Cursor {
    /// A delivery was handed to the recorder with a receipt.
    pub fn recorded(&mut self, tag: u64) {
        self.seen = tag;
        self.recorded = tag;
    }

    /// A delivery became no event.
    pub fn left_out(&mut self, tag: u64) {
        self.seen = tag;
    }

    /// The tag to acknowledge now, where everything up to `durable` is; `None` when there is nothing new.
    pub fn acknowledge(&mut self, durable: u64) -> Option<u64> {
        let tag = if durable >= self.recorded { self.seen } else { durable };
        if tag <= self.acknowledged {
            return None;
        }
        self.acknowledged = tag;
        Some(tag)
    }

    /// Everything handed to the recorder is durable.
    pub fn is_settled(&self, durable: u64) -> bool {
        durable >= self.recorded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_acknowledged_before_it_is_durable() {
        let mut cursor = Cursor::default();
        (1..=5).for_each(|tag| cursor.recorded(tag));
        assert_eq!(cursor.acknowledge(0), None);
        assert_eq!(cursor.acknowledge(3), Some(3));
        assert_eq!(cursor.acknowledge(3), None, "is acknowledged already");
        assert!(!cursor.is_settled(3) && cursor.is_settled(5));
    }

    #[test]
    fn what_is_left_out_waits_for_what_came_before_it() {
        let mut cursor = Cursor::default();
        cursor.left_out(1);
        assert_eq!(cursor.acknowledge(0), Some(1), "nothing is before it");
        cursor.recorded(2);
        cursor.left_out(3);
        cursor.left_out(4);
        assert_eq!(cursor.acknowledge(0), None);
        assert_eq!(cursor.acknowledge(2), Some(4));
    }
}
