//! Commands other than purchases: appended, waited for, looked at.

use std::sync::Arc;
use std::time::Duration;

use http::{StatusCode, header};
use schemas::http::{CommandAnswer, CommandStatus, ProblemCode};
use schemas::log::{Command, RefusalCode};
use schemas::{Offset, Partition, Position, ProductId};
use uuid::Uuid;
use warp::reply::Response;

use super::Answer;
use super::reply::{PRIVATE, Seen, json, put_seen, visible};
use super::sight::unsaid;
use crate::answer::rejection;
use crate::auth::{Scope, Scopes};
use crate::call::Call;
use crate::commands::Way;
use crate::composition::Service;
use crate::problem::Refusal;
use crate::reading::Query;
use crate::status::{Answered, CommandState};

/// A command that stands in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Issued {
    command_id: Uuid,
    position: Position,
}

impl Issued {
    /// Appends the command.
    pub(crate) async fn append(
        service: &Service,
        partition: Partition,
        product: Option<&ProductId>,
        command: &Command,
        call: &Call,
    ) -> Result<Self, Refusal> {
        let way = Way { partition, product, place: None };
        let position = service.append(way, command, call).await?;
        service.status.note_appended(position);
        let (log_id, key) = (service.status.log_id(), command.ticket_key());
        let command_id = service.tickets.load().command_id(log_id, position, key, command.actor());
        Ok(Self { command_id, position })
    }

    /// The partition of its log.
    pub(crate) fn partition(&self) -> Partition {
        self.position.partition
    }

    /// Whether the command is done before `wait` is over. What was refused is an error.
    pub(crate) async fn is_done(&self, service: &Service, wait: Duration) -> Result<bool, Refusal> {
        if wait.is_zero() {
            return Ok(false);
        }
        let seen = look_until(service, service.status.log_id(), self.position, wait).await?;
        match seen.answer {
            Outcome::Queued => Ok(false),
            Outcome::Accepted => Ok(true),
            Outcome::Refused(code) => {
                let code = ProblemCode::from(code);
                Err(Refusal::new(code, code.title()))
            }
        }
    }
}

/// The 202 of a command.
pub(crate) fn queued(service: &Service, issued: &Issued) -> Response {
    let body = CommandAnswer {
        command_id: issued.command_id,
        status: CommandStatus::Queued,
        rejection: None,
    };
    let mut response = json(StatusCode::ACCEPTED, &body, PRIVATE);
    let headers = response.headers_mut();
    let location = format!("/v1/commands/{}", issued.command_id);
    headers.insert(header::LOCATION, visible(location));
    let poll_after_ms = service.status.queue(issued.position).poll_after_ms;
    let poll_after = Duration::from_millis(poll_after_ms);
    headers.insert(header::RETRY_AFTER, service.dice.retry_after(poll_after));
    response
}

/// `GET /v1/commands/{command_id}`
pub(super) async fn get(service: &Service, call: Arc<Call>, id: String) -> Answer {
    let principal = service.gatekeeper.admit(&call.headers, Scopes::of(&Scope::ALL)).await?;
    let wait = Query::read(&call.uri, &["wait"])?.wait()?;
    service.limits.check_customer(principal.subject)?;
    let own = principal.only_own().map(|customer| customer.0);
    let command_id = Uuid::try_parse(&id).ok().filter(|_| id.len() == 36);
    let found = command_id.and_then(|id| Some((id, service.tickets.load().read_command(id, own)?)));
    let (command_id, ticket) = found.ok_or_else(no_command)?;
    let partition = ticket.position.partition;
    service.catch_up(&call.headers, Some(partition)).await?;
    drop(call);
    let seen = look_until(service, ticket.log_id, ticket.position, wait).await?;
    let (status, refused) = match seen.answer {
        Outcome::Queued => (CommandStatus::Queued, None),
        Outcome::Accepted => (CommandStatus::Accepted, None),
        Outcome::Refused(code) => (CommandStatus::Refused, Some(code)),
    };
    let rejection = refused.map(|code| rejection(code, ProblemCode::from(code).retryable()));
    let body = CommandAnswer { command_id, status, rejection };
    let mut response = json(StatusCode::OK, &body, PRIVATE);
    if let Some(decided_next) = seen.decided_next {
        let mut said = Seen::new(service.status.log_id());
        said.note(partition, decided_next);
        put_seen(response.headers_mut(), &said);
    }
    Ok(response)
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Queued,
    Accepted,
    Refused(RefusalCode),
}

struct Looked {
    answer: Outcome,
    decided_next: Option<Offset>,
}

async fn look_until(
    service: &Service,
    log_id: u8,
    position: Position,
    wait: Duration,
) -> Result<Looked, Refusal> {
    let mut watch = service.status.watch_order(position);
    let mut deadline = service.clock.sleep(wait);
    loop {
        let looked = look(service, log_id, position).await?;
        let is_over =
            looked.answer != Outcome::Queued || wait.is_zero() || service.stopping.is_cancelled();
        let Some(changes) = watch.as_mut().filter(|_| !is_over) else {
            return Ok(looked);
        };
        tokio::select! {
            biased;
            () = changes.changed() => {}
            () = &mut deadline => return Ok(looked),
            () = service.stopping.cancelled() => return Ok(looked),
        }
    }
}

/// Looks once; a repeat is answered with what became of the first.
async fn look(service: &Service, log_id: u8, position: Position) -> Result<Looked, Refusal> {
    let Answered { state, as_of } =
        service.status.command_at(log_id, position).await.map_err(unsaid)?;
    let decided_next = as_of.map(|as_of| as_of.decided_next);
    let state = match state {
        CommandState::Repeat(first) => {
            service.status.command_at(log_id, first).await.map_err(unsaid)?.state
        }
        state @ (CommandState::Queued(_)
        | CommandState::Accepted
        | CommandState::Refused(_)
        | CommandState::NotACommand) => state,
    };
    let answer = match state {
        CommandState::Queued(_) => Outcome::Queued,
        // A repeat of a repeat says no more than that its first was done.
        CommandState::Accepted | CommandState::Repeat(_) => Outcome::Accepted,
        CommandState::Refused(code) => Outcome::Refused(code),
        CommandState::NotACommand => return Err(no_command()),
    };
    Ok(Looked { answer, decided_next })
}

fn no_command() -> Refusal {
    Refusal::new(ProblemCode::NotFound, "there is no such command of this sender")
}
