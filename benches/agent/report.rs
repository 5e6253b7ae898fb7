//! What was measured, in lines, each with its goal if it has one.

use crate::load::CONNECTIONS;
use crate::measure::{AT_ONCE, BURST, Beside, CACHED, Figures, Floor, ON_BOTH, PACE};

/// The most that an answer from the cache may cost, in the processor's time of the floor.
const FLOOR: f64 = 1.6;

/// The least answers for the same time of the processor, in those of the reference, and the most memory in its.
const ANSWERS: f64 = 5.0;
const MEMORY: f64 = 1.0 / 3.0;

/// What was measured.
pub struct Report {
    pub agent: Figures,
    pub floor: Floor,
    /// `None` if none was named.
    pub reference: Option<Figures>,
}

/// The lines so far, and the goals that were missed.
#[derive(Default)]
struct Goals(Vec<String>);

impl Report {
    /// Prints it; whether every goal was met.
    pub fn print(&self) -> bool {
        let Self { agent, floor, reference } = self;
        let mut goals = Goals::default();
        let Floor { kept, new } = floor;
        goals.beside(kept, &format!("{CONNECTIONS} kept connections"));
        goals.beside(new, "a new connection for each, as SDKs ask");
        figures("the agent", agent);
        goals.met(agent.unanswered == 0, "every pod is answered while the cache is filled");
        goals.met(agent.calls_on_both == ON_BOTH, "one upstream call a pod, whichever listener it asks");
        goals.met(
            agent.started.failed == 0,
            "all pods that start at once are answered within an SDK's patience",
        );
        goals.met(agent.calls_at_once == AT_ONCE as usize, "one upstream call a pod where all start at once");
        match reference {
            None => println!("against another agent: not measured; REFERENCE_AGENT=PATH names its program"),
            Some(reference) => {
                figures("the other agent", reference);
                goals.against(agent, reference);
            }
        }
        let Goals(missed) = goals;
        for goal in &missed {
            println!("MISSED: {goal}");
        }
        missed.is_empty()
    }
}

impl Goals {
    fn met(&mut self, is_met: bool, goal: &str) {
        if !is_met {
            self.0.push(goal.to_owned());
        }
    }

    fn beside(&mut self, beside: &Beside, connections: &str) {
        let Beside { answers, agent, floor, ratio } = beside;
        println!(
            "answers from the cache, {connections}: {answers} a second; {agent:.1?} of the processor each, the floor's \
             {floor:.1?}, ratio {ratio:.2} (at most {FLOOR})"
        );
        let goal =
            format!("{connections}: an answer costs at most {FLOOR} times the floor's, not {ratio:.2}");
        self.met(*ratio <= FLOOR, &goal);
    }

    fn against(&mut self, agent: &Figures, reference: &Figures) {
        let answers = reference.cost.as_secs_f64() / agent.cost.as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
        let memory = agent.filled as f64 / reference.filled as f64;
        println!(
            "against the other agent: {answers:.1} times its answers for the same time of the processor (at least \
             {ANSWERS}), {memory:.2} of its memory (at most {MEMORY:.2})"
        );
        if reference.refusals > 0 {
            println!(
                "the other agent refused {} requests beside the {} that it answered in a second: its own limit, not \
                 the processor, bounds it, and so the times are compared in bursts that it answers",
                reference.refusals, reference.answers
            );
        }
        self.met(answers >= ANSWERS, &format!("{ANSWERS} times the other agent's answers, not {answers:.1}"));
        self.met(memory <= MEMORY, &format!("{MEMORY:.2} of the other agent's memory, not {memory:.2}"));
    }
}

fn figures(name: &str, figures: &Figures) {
    let Figures {
        empty,
        filled,
        unanswered,
        calls_on_both,
        answers,
        refusals,
        median,
        late,
        cost,
        started,
        calls_at_once,
    } = figures;
    println!("{name}:");
    println!(
        "  {answers} answers from the cache in a second, {refusals} refusals, on {CONNECTIONS} kept connections"
    );
    println!("  at {PACE} requests a second: p50 {median:.1?}, p99 {late:.1?}");
    println!("  in bursts of {BURST} requests: {cost:.1?} of the processor each");
    println!(
        "  memory: {} KiB, with {CACHED} pods cached {} KiB; {unanswered} not answered",
        empty >> 10,
        filled >> 10
    );
    println!("  {ON_BOTH} pods that ask on both listeners: {calls_on_both} upstream calls");
    println!(
        "  {AT_ONCE} pods that start at once: {} without an answer, the last has it after {:.1?}; {} requests, \
         {calls_at_once} upstream calls",
        started.failed, started.last, started.requests
    );
}
