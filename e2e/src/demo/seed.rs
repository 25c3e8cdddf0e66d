//! Makes the demo's data: people sign up, meet and write.

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use pli_store::ambient::{Ambient, ManualClock, SystemEntropy};
use tokio::task::JoinSet;

use super::{
    DemoError,
    client::Person,
    people::{COLLEAGUES, RESIDENTS},
    script::{self, CONVERSATIONS},
    start_for_clients,
};

type People = HashMap<&'static str, Person>;

/// Makes the data in a folder that doesn't exist yet.
pub(super) async fn seed(data: &Path) -> Result<(), DemoError> {
    let now_ms = Ambient::system().now_ms();
    // The server's clock runs through the week of the script.
    let clock = Arc::new(ManualClock::new(script::beginning_ms(now_ms)));
    let ambient = Ambient { clock: Arc::clone(&clock) as _, entropy: Arc::new(SystemEntropy) };
    let server = start_for_clients(data, ambient).await?;
    let url = format!("http://{}", server.client_address());

    let people = sign_up_everybody(&url, &data.join("outbox")).await?;
    println!("  {} people, five of them with a recovery code", people.len());
    let rooms = make_conversations(&people).await?;
    println!("  {} conversations", rooms.len());
    let written = write(&people, &rooms, &clock, now_ms).await?;
    println!("  {written} encrypted messages");
    keep_keys(&people).await?;
    println!("  the keys of all messages in the backups");

    drop(people);
    server.stop().await;
    Ok(())
}

async fn sign_up_everybody(url: &str, outbox: &Path) -> Result<People, DemoError> {
    let residents = RESIDENTS
        .iter()
        .map(|resident| (resident.name, resident.email, Some(resident.recovery_code)));
    let colleagues = COLLEAGUES.iter().map(|&(name, email)| (name, email, None));
    let mut tasks = JoinSet::new();
    for (name, email, recovery_code) in residents.chain(colleagues) {
        let (url, outbox) = (url.to_owned(), outbox.to_owned());
        tasks.spawn(async move {
            let person = Person::sign_up(&url, &outbox, name, email).await?;
            if let Some(words) = recovery_code {
                person.keep_recovery_code(words).await?;
            }
            Ok((name, person))
        });
    }
    collect(tasks).await
}

async fn make_conversations(people: &People) -> Result<Vec<OwnedRoomId>, DemoError> {
    let mut rooms = Vec::with_capacity(CONVERSATIONS.len());
    for conversation in &CONVERSATIONS {
        let creator = person(people, conversation.creator)?;
        let others: Vec<&Person> = match conversation.other {
            Some(other) => vec![person(people, other)?],
            None => people
                .iter()
                .filter(|(name, _)| **name != conversation.creator)
                .map(|(_, person)| person)
                .collect(),
        };
        let invited: Vec<OwnedUserId> =
            others.iter().map(|other| other.user_id()).collect::<Result<_, _>>()?;
        let room_id =
            creator.create_conversation(conversation.name, invited).await?.room_id().to_owned();
        let mut tasks = JoinSet::new();
        for other in others {
            let (other, room_id) = (other.clone(), room_id.clone());
            tasks.spawn(async move { other.accept_invitation(&room_id).await.map(|()| ((), ())) });
        }
        let _: HashMap<(), ()> = collect(tasks).await?;
        rooms.push(room_id);
    }
    // Everybody knows of everybody before the first message, so that nobody is left out.
    sync_all(people.values()).await?;
    Ok(rooms)
}

/// Sends every line of the script at its time; then people read.
async fn write(
    people: &People,
    rooms: &[OwnedRoomId],
    clock: &ManualClock,
    now_ms: u64,
) -> Result<usize, DemoError> {
    let lines = script::lines(now_ms)?;
    let mut clock_ms = script::beginning_ms(now_ms);
    let mut sent: Vec<Vec<(&str, OwnedEventId)>> = vec![Vec::new(); rooms.len()];
    for line in &lines {
        clock.advance(Duration::from_millis(line.at_ms.saturating_sub(clock_ms)));
        clock_ms = clock_ms.max(line.at_ms);
        let author = person(people, line.author)?;
        let event_id = author.send(&rooms[line.conversation], &line.content).await?;
        sent[line.conversation].push((line.author, event_id));
    }
    sync_all(people.values()).await?;
    for (room_id, sent) in rooms.iter().zip(&sent) {
        for (name, person) in people {
            if let Some(event_id) = last_read(name, sent)
                && person.knows(room_id)
            {
                person.has_read(room_id, event_id).await?;
            }
        }
    }
    Ok(lines.len())
}

/// The newest message that somebody has read: those who wrote lately have read all that was before,
/// the others everything up to what the last but one of the authors wrote.
fn last_read<'a>(name: &str, sent: &'a [(&str, OwnedEventId)]) -> Option<&'a OwnedEventId> {
    let own = sent.iter().rposition(|(author, _)| *author == name).unwrap_or(0);
    let others = sent.len().checked_sub(2)?;
    sent.get(own.max(others)).map(|(_, event_id)| event_id)
}

async fn keep_keys(people: &People) -> Result<(), DemoError> {
    for resident in &RESIDENTS {
        let resident = person(people, resident.name)?;
        resident.sync().await?;
        resident.finish_backup().await?;
    }
    Ok(())
}

async fn sync_all(people: impl Iterator<Item = &Person>) -> Result<(), DemoError> {
    let mut tasks = JoinSet::new();
    for person in people {
        let person = person.clone();
        tasks.spawn(async move { person.sync().await.map(|()| ((), ())) });
    }
    let _: HashMap<(), ()> = collect(tasks).await?;
    Ok(())
}

async fn collect<K, V>(
    mut tasks: JoinSet<Result<(K, V), DemoError>>,
) -> Result<HashMap<K, V>, DemoError>
where
    K: Eq + std::hash::Hash + 'static,
    V: 'static,
{
    let mut results = HashMap::new();
    while let Some(done) = tasks.join_next().await {
        let (key, value) = done.map_err(DemoError::unexpected)??;
        results.insert(key, value);
    }
    Ok(results)
}

fn person<'a>(people: &'a People, name: &str) -> Result<&'a Person, DemoError> {
    people
        .get(name)
        .ok_or_else(|| DemoError::Unexpected(format!("nobody in the demo is called {name}")))
}
