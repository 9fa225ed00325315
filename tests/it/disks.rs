//! The tap on a real broker, and under the journal a disk that is full, or slow.

use crate::support::audit::Audit;
use crate::support::chance::Chance;
use crate::support::disk::Disk;
use crate::support::hoptrail::Hoptrail;
use crate::support::load::{Load, Sendings};
use crate::support::wait::ensure;
use crate::support::{Scene, eventually, on_each_broker};

/// As many as hoptrail can take as it is built for tests, with other tests beside it.
const MESSAGES_PER_SECOND: u64 = 500;
/// Published before, during and after each time that the disk is full: some of the third part waits on the broker.
const MESSAGES: usize = 1000;
const SEED: u64 = 1;

#[test]
fn a_disk_nearly_full_pauses_recording_and_nothing_is_lost() {
    on_each_broker(async |scene: Scene| {
        let disk = Disk::small(scene.dir());
        if !disk.tells_its_room() {
            return;
        }
        let mut run = Run::new(&scene, &disk, &[("journal.min_free", "16MiB")]).await;
        for _ in 0..2 {
            run.published(MESSAGES).await;
            disk.fill(8 << 20);
            run.paused().await;
            disk.empty();
            run.resumed().await;
        }
        run.complete().await;
    });
}

#[test]
fn a_disk_without_any_room_pauses_recording_and_nothing_is_lost() {
    on_each_broker(async |scene: Scene| {
        let disk = Disk::small(scene.dir());
        let mut run = Run::new(&scene, &disk, &[("journal.min_free", "0")]).await;
        for _ in 0..2 {
            run.published(MESSAGES).await;
            disk.fill(0);
            run.paused().await;
            disk.empty();
            run.resumed().await;
        }
        run.complete().await;
    });
}

#[test]
fn killed_while_the_disk_is_full_it_does_no_harm_at_the_start_and_goes_on_when_there_is_room() {
    on_each_broker(async |scene: Scene| {
        let disk = Disk::small(scene.dir());
        let mut run = Run::new(&scene, &disk, &[("journal.min_free", "0")]).await;
        run.published(MESSAGES).await;
        disk.fill(0);
        run.paused().await;
        run.hoptrail.kill();
        run.hoptrail.spawn();
        // A database is opened by writing a little beside it: without any room there may be nothing to serve yet.
        match run.hoptrail.wait_serving() {
            Ok(_) => run.paused().await,
            Err(problem) => assert!(problem.contains("No space left on device"), "{problem}"),
        }
        run.audit.nothing_set_aside().unwrap_or_else(|problem| panic!("{problem}"));
        run.hoptrail.kill();
        disk.empty();
        run.hoptrail.restart();
        run.resumed().await;
        run.complete().await;
    });
}

#[test]
fn stopped_while_recording_pauses_it_ends_in_good_order_and_pauses_again_after_a_start() {
    on_each_broker(async |scene: Scene| {
        let disk = Disk::small(scene.dir());
        if !disk.tells_its_room() {
            return;
        }
        let mut run = Run::new(&scene, &disk, &[("journal.min_free", "16MiB")]).await;
        run.published(MESSAGES).await;
        disk.fill(8 << 20);
        run.paused().await;
        // It switches tracing off for as long as it is away: the firehose then sees nothing.
        run.still().await;
        let status = run.hoptrail.stop();
        assert!(status.success(), "{status}: {}", run.hoptrail.log_of_this_start());
        run.hoptrail.restart();
        run.hoptrail.wait_live().await;
        run.publish().await;
        run.paused().await;
        disk.empty();
        run.resumed().await;
        run.complete().await;
    });
}

#[test]
fn on_a_slow_disk_commits_grow_and_nothing_is_lost() {
    on_each_broker(async |scene: Scene| {
        let disk = Disk::slow(scene.dir(), 200);
        let run = Run::new(&scene, &disk, &[]).await;
        run.published(4 * MESSAGES).await;
        let commits = run.hoptrail.metric("hoptrail_journal_commits_total").await;
        let events = run.hoptrail.metric("hoptrail_journal_last_seq").await;
        assert!(events > 50.0 * commits, "{commits} commits for {events} events");
        run.complete().await;
    });
}

#[test]
fn a_disk_slower_than_the_publishers_fills_the_brokers_queue_and_no_memory() {
    on_each_broker(async |scene: Scene| {
        let disk = Disk::slow(scene.dir(), 300);
        // So few events a commit, and three commits a second: half of what is published.
        let run = Run::new(&scene, &disk, &[("record.queue_len_max", "128"), ("tap.prefetch", "100")]).await;
        run.published(MESSAGES).await;
        let early = run.hoptrail.memory_peak();
        let waiting = eventually("messages wait on the broker", async || {
            let longest = run.hoptrail.metric("hoptrail_recorder_queue_length").await;
            assert!(longest <= 128.0, "{longest} observations wait in hoptrail");
            let waiting = run.waiting("messages_ready").await;
            if waiting > 2000 { Ok(waiting) } else { Err(format!("{waiting}")) }
        });
        println!("{} messages wait on the broker", waiting.await);
        let late = run.hoptrail.memory_peak();
        println!("at most {} MiB of memory, {} MiB at first", late >> 20, early >> 20);
        assert!(late < early + (32 << 20), "memory has grown from {early} to {late} bytes");
        run.complete().await;
    });
}

/// hoptrail on a disk of its own, and a publisher.
struct Run<'a> {
    scene: &'a Scene,
    hoptrail: Hoptrail,
    load: Option<Load>,
    sendings: Sendings,
    audit: Audit,
}

impl<'a> Run<'a> {
    async fn new(scene: &'a Scene, disk: &Disk, settings: &[(&str, &str)]) -> Run<'a> {
        Load::declare(scene).await;
        let journal = disk.journal().display().to_string();
        // Nothing is to be removed to make room.
        let own = [("journal.dir", &*journal), ("journal.retention.high_water", "1.0")];
        let settings: Vec<(&str, &str)> = own.into_iter().chain(settings.to_vec()).collect();
        let hoptrail = scene.hoptrail_launched(disk.launcher(), &settings);
        hoptrail.wait_live().await;
        let audit = Audit::new(disk.seen("journal"));
        let mut run = Run { scene, hoptrail, load: None, sendings: Sendings::default(), audit };
        run.publish().await;
        run
    }

    /// Begins to publish.
    async fn publish(&mut self) {
        self.load = Some(Load::start(self.scene, MESSAGES_PER_SECOND, SEED, &self.sendings).await);
    }

    /// Ends that.
    async fn still(&mut self) {
        if let Some(load) = self.load.take() {
            load.finish().await;
        }
    }

    /// Waits until the broker has confirmed so many more.
    async fn published(&self, more: usize) {
        let wanted = self.sendings.confirmed() + more;
        eventually("more messages", async || {
            let confirmed = self.sendings.confirmed();
            ensure(confirmed >= wanted, || format!("{confirmed} of {wanted} are confirmed"))
        })
        .await;
    }

    /// Recording pauses: hoptrail says so and goes on answering, takes nothing from the broker, which takes everything
    /// from the publisher.
    async fn paused(&mut self) {
        self.pauses(true).await;
        let (seq, waiting) = (self.last_seq().await, self.waiting("messages").await);
        self.published(MESSAGES).await;
        eventually("messages wait on the broker", async || {
            let now = self.waiting("messages").await;
            ensure(now >= waiting + MESSAGES as u64 / 2, || format!("{now} messages, {waiting} before"))
        })
        .await;
        assert_eq!(self.last_seq().await, seq, "nothing is recorded");
        // Without any room the newest partition cannot even be opened to be read; the answer then says so.
        let answer = self.hoptrail.get("/api/v1/events?message_id=sent-0").await;
        assert!(answer.text.contains(r#""message_id":"sent-0""#) || answer.warning.is_some(), "{}", answer.text);
        assert!(self.hoptrail.is_running());
    }

    /// Recording goes on by itself.
    async fn resumed(&mut self) {
        self.pauses(false).await;
        let seq = self.last_seq().await;
        eventually("more is recorded", async || ensure(self.last_seq().await > seq, || format!("{seq}"))).await;
        assert!(self.hoptrail.is_running());
    }

    async fn pauses(&self, wanted: bool) {
        eventually(if wanted { "recording pauses" } else { "recording goes on" }, async || {
            let (metric, ready) = (self.hoptrail.metric("hoptrail_journal_paused").await, self.hoptrail.get("/readyz"));
            let ready = ready.await;
            let told = ready.status == 503 && ready.text.contains("recording pauses");
            ensure((metric == 1.0, told) == (wanted, wanted), || format!("{metric}, {}: {}", ready.status, ready.text))
        })
        .await;
    }

    async fn last_seq(&self) -> u64 {
        self.hoptrail.coverage().await.last_seq
    }

    /// What waits in the binding's queue; the broker counts once a second.
    async fn waiting(&self, what: &str) -> u64 {
        let vhost = &self.scene.vhost;
        let queue = self.scene.get(&format!("queues/{vhost}/hoptrail.{vhost}.binding")).await;
        queue[what].as_u64().unwrap_or(0)
    }

    /// Everything is recorded once, and still there after a kill.
    async fn complete(mut self) {
        self.still().await;
        let mut chance = Chance::new(SEED);
        self.checked(&mut chance).await;
        self.hoptrail.kill();
        self.hoptrail.restart();
        self.checked(&mut chance).await;
    }

    async fn checked(&mut self, chance: &mut Chance) {
        let found = self.audit.check(&self.hoptrail, &self.sendings, chance).await;
        found.unwrap_or_else(|problem| panic!("{problem}"));
        println!("{} events, {} confirmed", self.audit.last(), self.sendings.confirmed());
    }
}
