//! A conversation as a proxy reads it: in pieces of any size, from both sides, with the time moving on.

use hoptrail::model::{Side, Timestamp};
use hoptrail::wire::{Observed, Observer};

use crate::talk::Talk;
use hoptrail_tests::Rng;

/// Bytes that were read at once.
pub struct Piece {
    pub side: Side,
    pub bytes: Vec<u8>,
}

/// A piece is never so long that the last two bytes of another side's frame come before what stands before it: with
/// those it is complete.
const WITHHELD: usize = 2;

/// Frames cut and joined at random. Each is complete after those before it, and the two sides are torn into each other.
pub fn chop(talk: &Talk, rng: &mut Rng) -> Vec<Piece> {
    let greedy = *rng.pick(&[0, 10, 60, 95]);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut sent = vec![0; talk.frames.len()];
    for (at, frame) in talk.frames.iter().enumerate() {
        // Before its greeting nothing is sent to a client.
        if at > 0 && rng.chance(30) {
            let ahead = talk.frames[at..].iter().position(|other| other.side != frame.side);
            if let Some(ahead) = ahead.map(|ahead| at + ahead) {
                let other = &talk.frames[ahead];
                let may = other.bytes.len().saturating_sub(WITHHELD);
                let until = sent[ahead] + rng.below((may - sent[ahead].min(may)) as u64 + 1) as usize;
                add(&mut pieces, other.side, &other.bytes[sent[ahead]..until], rng.chance(greedy));
                sent[ahead] = until;
            }
        }
        let mut rest = &frame.bytes[sent[at]..];
        while rng.chance(20) && rest.len() > 1 {
            let (piece, after) = rest.split_at(1 + rng.below(rest.len() as u64 - 1) as usize);
            add(&mut pieces, frame.side, piece, false);
            rest = after;
        }
        add(&mut pieces, frame.side, rest, rng.chance(greedy));
    }
    pieces
}

/// `joins` the last piece where it is from the same side.
fn add(pieces: &mut Vec<Piece>, side: Side, bytes: &[u8], joins: bool) {
    match pieces.last_mut() {
        _ if bytes.is_empty() => {}
        Some(last) if joins && last.side == side => last.bytes.extend_from_slice(bytes),
        _ => pieces.push(Piece { side, bytes: bytes.to_vec() }),
    }
}

/// What an observer says of the pieces, and of the end. Fails where an event is of another time than what made it.
pub fn observe(talk: &Talk, pieces: &[Piece], rng: &mut Rng) -> Result<Vec<Observed>, String> {
    let mut now = 1_795_226_400_000_000;
    let mut observer = Observer::new(talk.limits.clone(), talk.connection.clone());
    let mut all = Vec::new();
    let timely = |all: &mut Vec<Observed>, some: Vec<Observed>, now: Timestamp| {
        let late = some.iter().find(|observed| observed.event.at != now);
        let late = late.map(|observed| format!("at {now} was told: {observed:?}"));
        all.extend(some);
        late.map_or(Ok(()), Err)
    };
    for piece in pieces {
        now += rng.below(20_000) as i64;
        let (at, mut some) = (Timestamp::from_micros(now), Vec::new());
        observer.feed(piece.side, &piece.bytes, at, &mut some);
        timely(&mut all, some, at)?;
    }
    if all.len() == talk.told_before_end {
        let figures = hoptrail::wire::Figures { oldest_unsettled_at: None, ..observer.figures() };
        if figures != talk.figures {
            return Err(format!("figures:\n  true     {:?}\n  observed {figures:?}", talk.figures));
        }
    }
    let (at, mut some) = (Timestamp::from_micros(now + 1), Vec::new());
    observer.end(talk.end.clone(), at, &mut some);
    timely(&mut all, some, at)?;
    Ok(all)
}
