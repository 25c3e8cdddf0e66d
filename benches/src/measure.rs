//! Running operations and taking their times.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream};
use tokio::time::Instant;

use crate::{error::BenchError, process};

/// What some operations took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    /// How many they were.
    pub(crate) operations: usize,
    /// From the first to the last.
    pub(crate) wall: Duration,
    /// What the server computed meanwhile, if its process is known.
    pub(crate) cpu: Option<Duration>,
    /// How long each took for the client, sorted.
    pub(crate) latencies: Vec<Duration>,
}

impl Sample {
    /// Server CPU per operation.
    pub(crate) fn cpu_ms(&self) -> Option<f64> {
        self.cpu.map(|cpu| cpu.as_secs_f64() * 1e3 / self.operations.max(1) as f64)
    }

    /// Operations per second.
    pub(crate) fn rate(&self) -> f64 {
        self.operations as f64 / self.wall.as_secs_f64().max(1e-9)
    }

    /// The latency that this part (0 to 1) of the operations kept below.
    pub(crate) fn percentile_ms(&self, part: f64) -> Option<f64> {
        let last = self.latencies.len().checked_sub(1)?;
        let index = ((last as f64) * part).round() as usize;
        Some(self.latencies.get(index)?.as_secs_f64() * 1e3)
    }
}

/// A stretch of time whose CPU use is wanted.
pub(crate) struct Stretch {
    pid: Option<u32>,
    cpu_before: Option<Duration>,
    started: Instant,
}

impl Stretch {
    pub(crate) fn start(pid: Option<u32>) -> Result<Self, BenchError> {
        let cpu_before = pid.map(process::cpu_time).transpose()?;
        Ok(Self { pid, cpu_before, started: Instant::now() })
    }

    pub(crate) fn end(
        self,
        operations: usize,
        mut latencies: Vec<Duration>,
    ) -> Result<Sample, BenchError> {
        let wall = self.started.elapsed();
        let cpu_after = self.pid.map(process::cpu_time).transpose()?;
        let cpu = cpu_after.zip(self.cpu_before).map(|(after, before)| after - before);
        latencies.sort_unstable();
        Ok(Sample { operations, wall, cpu, latencies })
    }
}

/// Lets some writers do operations at the same time, each one after the other.
///
/// The operation gets the writer's number and which of the writer's operations it is.
pub(crate) async fn measure(
    pid: Option<u32>,
    writers: usize,
    operations: usize,
    operation: impl AsyncFn(usize, usize) -> Result<(), BenchError>,
) -> Result<Sample, BenchError> {
    let each = (operations / writers).max(1);
    let stretch = Stretch::start(pid)?;
    let operation = &operation;
    let work = (0..writers).map(async |writer| {
        let mut latencies = Vec::with_capacity(each);
        for number in 0..each {
            let started = Instant::now();
            operation(writer, number).await?;
            latencies.push(started.elapsed());
        }
        Ok::<_, BenchError>(latencies)
    });
    let latencies = try_join_all(work).await?.concat();
    stretch.end(each * writers, latencies)
}

/// Does something for each of many things, some at the same time, unmeasured.
pub(crate) async fn prepare<T, O>(
    things: impl IntoIterator<Item = T>,
    operation: impl AsyncFn(T) -> Result<O, BenchError>,
) -> Result<Vec<O>, BenchError> {
    const AT_ONCE: usize = 16;
    let work = stream::iter(things).map(|thing| operation(thing));
    work.buffered(AT_ONCE).try_collect().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_per_operation() {
        let sample = Sample {
            operations: 200,
            wall: Duration::from_secs(4),
            cpu: Some(Duration::from_millis(100)),
            latencies: (1..=200).map(Duration::from_millis).collect(),
        };
        assert_eq!(sample.cpu_ms(), Some(0.5));
        assert!((sample.rate() - 50.0).abs() < 1e-9);
        assert_eq!(sample.percentile_ms(0.0), Some(1.0));
        assert_eq!(sample.percentile_ms(0.99), Some(198.0));
        assert_eq!(sample.percentile_ms(1.0), Some(200.0));
        assert_eq!(Sample::default().percentile_ms(0.5), None);
        assert_eq!(Sample::default().cpu_ms(), None);
    }

    #[tokio::test]
    async fn every_writer_does_its_part_in_order() {
        let done = std::sync::Mutex::new(Vec::new());
        let operation = async |writer, number| {
            done.lock().unwrap().push((writer, number));
            tokio::task::yield_now().await;
            Ok(())
        };
        let sample = measure(Some(std::process::id()), 3, 12, operation).await.unwrap();
        assert_eq!(sample.operations, 12);
        assert_eq!(sample.latencies.len(), 12);
        assert!(sample.cpu.is_some());
        let done = done.into_inner().unwrap();
        for writer in 0..3 {
            let of_writer: Vec<_> =
                done.iter().filter(|(by, _)| *by == writer).map(|(_, number)| *number).collect();
            assert_eq!(of_writer, [0, 1, 2, 3]);
        }
    }
}
