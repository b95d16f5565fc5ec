//! Simplifications of a fault.

use crate::disk::{Call, Loss};
use crate::scenario::{ConcurrentRequest, Fault, InjectionPoint, Scenario, Step};

/// Visits every number of a fault.
pub(super) fn each_number(fault: &mut Fault, visit: &mut dyn FnMut(&mut u64)) {
    match fault {
        Fault::Crash { at, loss } => {
            visit(at);
            if let Loss::TornLast(number) | Loss::Reordered(number) | Loss::Torn(number) = loss {
                visit(number);
            }
        }
        Fault::DiskFails { at, count, .. } => {
            visit(at);
            visit(count);
        }
        Fault::DiskFull { after } => visit(after),
        Fault::ReadFails { at } => visit(at),
        Fault::Panic { transaction, .. } => visit(transaction),
        Fault::PanicAtRead { at } => visit(at),
        Fault::PanicInCommit { .. } => {}
        Fault::Cancel(point) => numbers_of_point(point, visit),
        Fault::ConcurrentRequest(point, request) => {
            numbers_of_point(point, visit);
            if let ConcurrentRequest::Rewind(depth) = request {
                visit(depth);
            }
        }
        Fault::Clock { jump_ms } => {
            // Only a jump forward is a number that can be lowered.
            if let Ok(mut number) = u64::try_from(*jump_ms) {
                visit(&mut number);
                *jump_ms = i64::try_from(number).unwrap_or(i64::MAX);
            }
        }
    }
}

fn numbers_of_point(point: &mut InjectionPoint, visit: &mut dyn FnMut(&mut u64)) {
    let (InjectionPoint::Step(number) | InjectionPoint::Read(number)) = point;
    visit(number);
}

/// Complexity of a fault, its numbers aside.
pub(super) fn weight(fault: Fault) -> usize {
    match fault {
        Fault::Crash { loss, .. } => match loss {
            Loss::Nothing => 0,
            Loss::All => 1,
            Loss::Last => 2,
            Loss::AllButLast => 3,
            Loss::Lengths => 4,
            Loss::TornLast(_) => 5,
            Loss::Reordered(_) => 6,
            Loss::Torn(_) => 7,
        },
        Fault::DiskFails { call, .. } => usize::from(call != Call::Any),
        Fault::Panic { persists, .. } => usize::from(!persists),
        Fault::PanicInCommit { is_written } => usize::from(is_written),
        Fault::Cancel(point) => weight_of_point(point),
        Fault::ConcurrentRequest(point, request) => {
            weight_of_point(point)
                + match request {
                    ConcurrentRequest::Reader => 0,
                    ConcurrentRequest::SameBlock => 2,
                    ConcurrentRequest::OtherBlock => 4,
                    ConcurrentRequest::Close => 6,
                    ConcurrentRequest::Rewind(_) => 8,
                }
        }
        Fault::DiskFull { .. }
        | Fault::ReadFails { .. }
        | Fault::PanicAtRead { .. }
        | Fault::Clock { .. } => 0,
    }
}

fn weight_of_point(point: InjectionPoint) -> usize {
    match point {
        InjectionPoint::Step(_) => 0,
        InjectionPoint::Read(_) => 1,
    }
}

/// Lists the scenarios with a simpler fault at this step.
pub(super) fn simpler(scenario: &Scenario, index: usize) -> Vec<Scenario> {
    let Some(Step::Fault(fault)) = scenario.steps.get(index) else {
        return Vec::new();
    };
    let step = |point: InjectionPoint| match point {
        InjectionPoint::Step(number) | InjectionPoint::Read(number) => InjectionPoint::Step(number),
    };
    let simpler: Vec<Fault> = match *fault {
        Fault::Crash { at, .. } => [
            Loss::Nothing,
            Loss::All,
            Loss::Last,
            Loss::AllButLast,
            Loss::Lengths,
            Loss::TornLast(0),
            Loss::Reordered(0),
        ]
        .into_iter()
        .map(|loss| Fault::Crash { at, loss })
        .collect(),
        Fault::DiskFails { at, count, .. } => vec![Fault::DiskFails {
            call: Call::Any,
            at,
            count,
        }],
        Fault::Panic { transaction, .. } => vec![Fault::Panic {
            transaction,
            persists: true,
        }],
        Fault::PanicInCommit { is_written: true } => {
            vec![Fault::PanicInCommit { is_written: false }]
        }
        Fault::Cancel(point) => vec![Fault::Cancel(step(point))],
        Fault::ConcurrentRequest(point, request) => [
            ConcurrentRequest::Reader,
            ConcurrentRequest::SameBlock,
            ConcurrentRequest::OtherBlock,
            ConcurrentRequest::Close,
            request,
        ]
        .into_iter()
        .flat_map(|request| {
            [
                Fault::ConcurrentRequest(step(point), request),
                Fault::ConcurrentRequest(point, request),
            ]
        })
        .collect(),
        Fault::Clock { jump_ms } if jump_ms < 0 => vec![Fault::Clock { jump_ms: 0 }],
        Fault::DiskFull { .. }
        | Fault::ReadFails { .. }
        | Fault::PanicAtRead { .. }
        | Fault::PanicInCommit { .. }
        | Fault::Clock { .. } => Vec::new(),
    };
    simpler
        .into_iter()
        .map(|fault| {
            let mut candidate = scenario.clone();
            candidate.steps[index] = Step::Fault(fault);
            candidate
        })
        .collect()
}
