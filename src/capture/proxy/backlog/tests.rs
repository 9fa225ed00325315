//! Bytes that go in come out, packed or not; bytes that do not fit are counted.

use super::*;

fn backlog(bytes_max: u64) -> (Sender, Receiver, Packer) {
    new(bytes_max, Sessions::default())
}

/// Everything that waits, in order: session, and its bytes or how many were lost.
fn drained(receiver: &Receiver) -> Vec<(u64, Result<Vec<u8>, u64>)> {
    let mut all = Vec::new();
    loop {
        match receiver.next(Duration::from_secs(10)) {
            Next::Batch(batch) => {
                let mut bytes = &*batch.bytes;
                for entry in &batch.entries {
                    let what = match entry.what {
                        What::Bytes(_, len) => Ok(bytes.split_off(..len as usize).expect("bytes").to_vec()),
                        What::Lost(_, lost) => Err(lost),
                        What::Opened(_) | What::Ended(_) => Err(0),
                    };
                    all.push((entry.session, what));
                }
                receiver.done(batch);
            }
            Next::Nothing => panic!("nothing came"),
            Next::Closed => return all,
        }
    }
}

#[test]
fn what_is_packed_comes_out_as_it_went_in_and_in_order() {
    let (sender, receiver, packer) = backlog(1 << 30);
    let expected: Vec<Vec<u8>> = (0..400u32).map(|number| number.to_be_bytes().repeat((64 << 10) / 4)).collect();
    for (number, bytes) in (0..).zip(&expected) {
        sender.pass(number, Timestamp::default(), Side::Client, bytes);
    }
    sender.flush();
    let packing = std::thread::spawn(move || packer.run());
    let started = crate::clock::instant();
    while sender.shared.lock().plain > PLAIN_MAX {
        assert!(started.elapsed() < Duration::from_secs(30), "packing takes too long");
        std::thread::yield_now();
    }
    assert!(sender.shared.lock().bytes < 20 << 20, "25 MiB are packed to {}", sender.shared.lock().bytes);
    let shared = sender.shared.clone();
    drop(sender);
    let all = drained(&receiver);
    packing.join().expect("the packer ends");
    let expected: Vec<_> = (0..).zip(expected).map(|(number, bytes)| (number, Ok(bytes))).collect();
    assert!(all == expected, "{} of {}", all.len(), expected.len());
    assert_eq!(shared.lock().bytes, 0);
}

#[test]
fn what_cannot_be_packed_waits_as_it_is() {
    let (sender, receiver, packer) = backlog(1 << 30);
    let mut noise = vec![0; 20 << 20];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    noise.chunks(64 << 10).for_each(|bytes| sender.pass(1, Timestamp::default(), Side::Broker, bytes));
    let packing = std::thread::spawn(move || packer.run());
    let started = crate::clock::instant();
    while sender.shared.lock().plain > PLAIN_MAX {
        assert!(started.elapsed() < Duration::from_secs(30), "packing takes too long");
        std::thread::yield_now();
    }
    drop(sender);
    let all: Vec<u8> = drained(&receiver).into_iter().flat_map(|(_, bytes)| bytes.expect("bytes")).collect();
    packing.join().expect("the packer ends");
    assert!(all == noise);
}

#[test]
fn past_its_bound_bytes_are_counted_and_not_kept() {
    let (sender, receiver, _packer) = backlog(BATCH_BYTES as u64);
    let bytes = vec![7; BATCH_BYTES];
    sender.pass(1, Timestamp::default(), Side::Client, &bytes);
    sender.pass(1, Timestamp::default(), Side::Client, &bytes);
    assert!(sender.is_full() && receiver.is_pressed());
    drop(sender);
    assert_eq!(drained(&receiver), [(1, Ok(bytes)), (1, Err(BATCH_BYTES as u64))]);
}

#[test]
fn a_batch_that_cannot_be_unpacked_is_lost_and_no_longer_counts() {
    let (sender, receiver, _packer) = backlog(1 << 20);
    sender.pass(1, Timestamp::default(), Side::Client, &[7; 1000]);
    sender.flush();
    let mut state = sender.shared.lock();
    let Some(Waiting::Plain(batch)) = state.batches.pop_front() else { panic!("a batch") };
    state.batches.push_back(Waiting::Packed(batch, Some(5000)));
    drop(state);
    let shared = sender.shared.clone();
    drop(sender);
    assert_eq!(drained(&receiver), [(1, Err(1000))]);
    assert_eq!(shared.lock().bytes, 0);
}
