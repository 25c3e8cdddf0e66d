//! What a run found, for people and for programs.

use std::fmt::Write;

use serde::Serialize;

use crate::measure::Sample;

/// Everything that a run measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// What was measured.
    pub(crate) server: String,
    /// Whether the numbers are large enough to mean anything.
    pub(crate) quick: bool,
    pub(crate) rows: Vec<Row>,
}

/// A line of the table.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) operations: usize,
    /// Server CPU per operation, in ms.
    pub(crate) cpu_ms: Option<f64>,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) per_second: Option<f64>,
    /// The floor's CPU per commit, in ms, and its commits per second, with as many writers.
    pub(crate) floor_cpu_ms: Option<f64>,
    pub(crate) floor_per_second: Option<f64>,
    pub(crate) goals: Vec<Goal>,
    /// The same of Conduit and of Synapse, in ms, as measured on such a machine.
    pub(crate) peers: Option<&'static str>,
}

/// Something that a figure must not exceed (or, `at_least`, fall short of).
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    pub(crate) what: &'static str,
    pub(crate) limit: f64,
    pub(crate) at_least: bool,
    pub(crate) measured: Option<f64>,
    /// `None`: could not be measured (the server's process is not known).
    pub(crate) met: Option<bool>,
}

impl Goal {
    pub(crate) fn at_most(what: &'static str, limit: f64, measured: Option<f64>) -> Self {
        let met = measured.map(|measured| measured <= limit);
        Self { what, limit, at_least: false, measured, met }
    }

    pub(crate) fn at_least(what: &'static str, limit: f64, measured: Option<f64>) -> Self {
        let met = measured.map(|measured| measured >= limit);
        Self { what, limit, at_least: true, measured, met }
    }
}

impl Row {
    pub(crate) fn of(name: impl Into<String>, sample: &Sample) -> Self {
        Self {
            name: name.into(),
            operations: sample.operations,
            cpu_ms: sample.cpu_ms(),
            p50_ms: sample.percentile_ms(0.5),
            p99_ms: sample.percentile_ms(0.99),
            per_second: Some(sample.rate()),
            floor_cpu_ms: None,
            floor_per_second: None,
            goals: Vec::new(),
            peers: None,
        }
    }

    /// A figure that isn't a rate of operations.
    pub(crate) fn plain(name: impl Into<String>, operations: usize) -> Self {
        Self { per_second: None, ..Self::of(name, &Sample { operations, ..Sample::default() }) }
    }

    pub(crate) fn floor(mut self, floor: &Sample) -> Self {
        self.floor_cpu_ms = floor.cpu_ms();
        self.floor_per_second = Some(floor.rate());
        self
    }

    /// The goal for the server's CPU per operation, in ms.
    pub(crate) fn cpu_goal(self, limit: f64) -> Self {
        let measured = self.cpu_ms;
        self.goal(Goal::at_most("ms CPU", limit, measured))
    }

    pub(crate) fn goal(mut self, goal: Goal) -> Self {
        self.goals.push(goal);
        self
    }

    pub(crate) fn peers(mut self, peers: &'static str) -> Self {
        self.peers = Some(peers);
        self
    }
}

impl Report {
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    pub(crate) fn to_markdown(&self) -> String {
        let mut text = format!("Measured: {}", self.server);
        if self.quick {
            text.push_str(" (quick run: the numbers are too small to mean anything)");
        }
        text.push_str(
            "\n\n| Operation | n | server CPU, ms | p50, ms | p99, ms | per s | \
             floor: CPU, ms · per s | goal | met | Conduit; Synapse, ms CPU |\n\
             |---|--:|--:|--:|--:|--:|--:|---|---|---|\n",
        );
        for row in &self.rows {
            let floor = match (row.floor_cpu_ms, row.floor_per_second) {
                (None, None) => String::new(),
                (cpu, rate) => format!("{} · {}", number(cpu, 3), number(rate, 0)),
            };
            let goals: Vec<_> = row.goals.iter().map(goal_text).collect();
            let met: Vec<_> = row.goals.iter().map(|goal| met_text(goal.met)).collect();
            let line = [
                row.name.clone(),
                row.operations.to_string(),
                number(row.cpu_ms, 3),
                number(row.p50_ms, 2),
                number(row.p99_ms, 2),
                number(row.per_second, 0),
                floor,
                goals.join("; "),
                met.join("; "),
                row.peers.unwrap_or_default().to_owned(),
            ];
            // Writing to a string doesn't fail.
            writeln!(text, "| {} |", line.join(" | ")).unwrap_or_default();
        }
        text
    }
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map(|value| format!("{value:.decimals$}")).unwrap_or_default()
}

fn goal_text(goal: &Goal) -> String {
    let sign = if goal.at_least { "≥" } else { "≤" };
    let measured = number(goal.measured, 2);
    format!("{} {sign} {} (is {measured})", goal.what, goal.limit)
}

fn met_text(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "?",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_missed_goal_is_seen_at_once() {
        let sample = Sample {
            operations: 10,
            wall: Duration::from_secs(1),
            cpu: Some(Duration::from_millis(20)),
            latencies: vec![Duration::from_millis(3); 10],
        };
        let row = Row::of("send", &sample)
            .floor(&sample)
            .cpu_goal(1.0)
            .goal(Goal::at_least("of the floor's rate", 0.4, Some(1.0)))
            .goal(Goal::at_most("KiB", 12.0, None))
            .peers("0.56; 19.6");
        let report = Report { server: "pli".to_owned(), quick: false, rows: vec![row] };

        let table = report.to_markdown();

        let line = "| send | 10 | 2.000 | 3.00 | 3.00 | 10 | 2.000 · 10 | \
                    ms CPU ≤ 1 (is 2.00); of the floor's rate ≥ 0.4 (is 1.00); KiB ≤ 12 (is ) | \
                    **no**; yes; ? | 0.56; 19.6 |";
        assert!(table.contains(line), "{table}");
        let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
        assert_eq!(json["rows"][0]["goals"][0]["met"], false);
    }
}
