//! Damage: what is readable is saved, and what is not is told.

use super::*;

#[test]
fn a_damaged_partition_is_set_aside_and_what_is_readable_of_it_saved() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut writer, reader, _) = Writer::open(dir.path()).expect("a new journal");
    for events in some_events(10_000).chunks_mut(1_000) {
        writer.append(events, &[]).expect("a working disk");
    }
    let mut tomorrow = some_events(100);
    tomorrow.iter_mut().for_each(|event| event.at = event.at.after(Duration::from_secs(86_400)));
    writer.append(&mut tomorrow, &[]).expect("a working disk");
    settle(&reader);
    drop((writer, reader));
    let part = |at: Timestamp| dir.path().join(format!("{}-0001", at.date()));
    let first = part(Timestamp::from_micros(START));
    std::fs::remove_file(first.join("index")).expect("removed");
    let mut bytes = std::fs::read(first.join("db")).expect("the database");
    let blocks: Vec<usize> = memchr::memmem::find_iter(&bytes, b"\x89HTB").collect();
    bytes[blocks[blocks.len() / 2]..blocks[blocks.len() / 2 + 1]].fill(0x55);
    std::fs::write(first.join("db"), bytes).expect("written");
    let (mut writer, reader, set_aside) = Writer::open(dir.path()).expect("the rest of it");
    let [aside] = set_aside.as_slice() else { panic!("{set_aside:?}") };
    assert!(aside.dir.exists() && !first.exists(), "{aside:?}");
    let lost: Vec<u64> = aside.lost.iter().flat_map(|hole| hole.seqs.start().0..=hole.seqs.end().0).collect();
    assert!(!lost.is_empty() && lost.len() < 5_000, "{aside:?}");
    assert_eq!(aside.salvaged + lost.len() as u64, 10_000);
    let left: Vec<Event> =
        reader.scan(Seq(1)..Seq(10_101), Order::Ascending).collect::<Result<_, _>>().expect("readable");
    let expected: Vec<u64> = (1..=10_100).filter(|seq| !lost.contains(seq)).collect();
    assert_eq!(left.iter().map(|event| event.seq.0).collect::<Vec<_>>(), expected);
    assert!(
        left.iter().take(9_000).all(|event| event.seq.0 > 10_000
            || event.message_id.as_deref() == Some(format!("m-{}", event.seq.0 - 1).as_str()))
    );
    writer.append(&mut tomorrow, &[]).expect("a working disk");
    assert_eq!(reader.last_seq(), Seq(10_200));
    drop((writer, reader));
    let (_writer, reader, set_aside) = Writer::open(dir.path()).expect("what was saved");
    assert_eq!((set_aside, reader.last_seq()), (vec![], Seq(10_200)));
}

#[test]
fn damage_that_a_reader_meets_is_salvaged_while_the_journal_is_open() {
    for damage in ["one block", "the beginning", "the index"] {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut writer, reader, _) = Writer::open_with(dir.path(), SMALL).expect("a new journal");
        let mut events = some_events(180);
        for event in &mut events {
            let noise = (0..200u64).map(|n| (event.at.as_micros() as u64 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let data = noise.flat_map(u64::to_le_bytes).collect();
            event.body = Some(Body { len: 1600, data, ..Body::default() });
        }
        for chunk in events.chunks_mut(60) {
            writer.append(chunk, &[]).expect("a working disk");
        }
        settle(&reader);
        drop((writer, reader));
        let part = dir.path().join(format!("{}-0001", events[0].at.date()));
        let file = part.join(if damage == "the index" { "index" } else { "db" });
        let mut bytes = std::fs::read(&file).expect("readable");
        let places: Vec<usize> = match damage {
            // sled has written it more than once.
            "one block" => {
                let blocks: Vec<usize> = memchr::memmem::find_iter(&bytes, b"\x89HTB").collect();
                let first = &bytes[blocks[5] + 8..blocks[5] + 16];
                blocks.into_iter().filter(|at| &bytes[at + 8..at + 16] == first).collect()
            }
            _ => vec![0],
        };
        places.iter().for_each(|at| bytes[at + 100..at + 400].iter_mut().for_each(|byte| *byte ^= 0x55));
        std::fs::write(&file, bytes).expect("written");
        let (mut writer, reader, set_aside) = Writer::open_with(dir.path(), SMALL).expect("a journal");
        assert_eq!(set_aside, vec![], "nobody has looked yet");
        let all = |reader: &Reader| reader.scan(Seq(0)..Seq(u64::MAX), Order::Ascending).collect::<Vec<_>>();
        let by_id = |seq: u64| {
            let term = Term::MessageId(format!("m-{}", seq - 1).into());
            reader.find(&term, Seq(0)..Seq(u64::MAX), Order::Ascending).collect::<Vec<_>>()
        };
        let met = all(&reader).iter().chain(&by_id(1)).any(Result::is_err);
        // sled's own pages are nothing to a sealed partition.
        assert_eq!(met, damage != "the beginning", "{damage}");
        if !met {
            continue;
        }
        let mut keeper = writer.keeper(policy());
        let change = keeper.tend(events[0].at, &mut |_| true).expect("a working disk").expect("something to save");
        let What::Salvaged { lost, salvaged, .. } = &change.what else { panic!("{change:?}") };
        let missing: Vec<u64> = lost.iter().flat_map(|hole| hole.seqs.start().0..=hole.seqs.end().0).collect();
        assert_eq!(damage == "one block", !missing.is_empty(), "{damage}: {change:?}");
        assert!(*salvaged + missing.len() as u64 == 60 && missing.len() < 20, "{damage}: {change:?}");
        for seq in 1..=180 {
            let found = by_id(seq).into_iter().collect::<Result<Vec<_>, _>>().expect("sound");
            assert_eq!(
                found.iter().collect::<Vec<_>>(),
                match missing.contains(&seq) {
                    true => vec![],
                    false => vec![&events[seq as usize - 1]],
                }
            );
        }
        assert_eq!(all(&reader).into_iter().collect::<Result<Vec<_>, _>>().expect("sound").len(), 180 - missing.len());
        assert!(keeper.tend(events[0].at, &mut |_| true).expect("a working disk").is_none());
        writer.append(&mut events, &[]).expect("a working disk");
        drop((writer, reader, keeper));
        let (_writer, _, set_aside) = Writer::open_with(dir.path(), SMALL).expect("a journal");
        assert_eq!(set_aside, vec![]);
    }
}

#[test]
fn a_partition_of_which_nothing_is_left_is_a_hole_that_is_told_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut writer, reader, _) = Writer::open(dir.path()).expect("a new journal");
    let mut events = some_events(100);
    for _ in 0..3 {
        writer.append(&mut events, &[]).expect("a working disk");
        events.iter_mut().for_each(|event| event.at = event.at.after(Duration::from_secs(86_400)));
    }
    settle(&reader);
    drop((writer, reader));
    let part = |day: u64| {
        let at = Timestamp::from_micros(START).after(Duration::from_secs(day * 86_400));
        dir.path().join(format!("{}-0001", at.date()))
    };
    std::fs::remove_dir_all(part(1)).expect("removed");
    let (writer, reader, set_aside) = Writer::open(dir.path()).expect("the rest of it");
    let [aside] = set_aside.as_slice() else { panic!("{set_aside:?}") };
    assert!(matches!(aside.lost.as_slice(), [hole] if hole.seqs == (Seq(101)..=Seq(200))), "{aside:?}");
    drop((writer, reader));
    std::fs::write(part(2).join("db"), "nothing of use").expect("written");
    let (mut writer, reader, set_aside) = Writer::open(dir.path()).expect("the rest of it");
    let [aside] = set_aside.as_slice() else { panic!("{set_aside:?}") };
    assert!(matches!(aside.lost.as_slice(), [hole] if hole.seqs == (Seq(201)..=Seq(300))), "{aside:?}");
    writer.append(&mut events, &[]).expect("a working disk");
    assert_eq!(events[0].seq, Seq(301));
    drop((writer, reader));
    let (_writer, reader, set_aside) = Writer::open(dir.path()).expect("the rest of it");
    assert_eq!((set_aside, reader.first_seq(), reader.last_seq()), (vec![], Seq(1), Seq(400)));
    assert_eq!(reader.scan(Seq(0)..Seq(u64::MAX), Order::Ascending).count(), 200);
}
