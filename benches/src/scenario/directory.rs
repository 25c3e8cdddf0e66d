//! Search the user directory for people, by the beginning of a name and by the whole of it.

use reqwest::Method;
use serde_json::json;

use super::Context;
use crate::{
    error::BenchError,
    measure::{self, Sample},
    report::Row,
};

const PATH: &str = "/_matrix/client/v3/user_directory/search";
/// What a search may cost, in ms of the server's CPU.
const MOST_CPU_MS: f64 = 5.0;

const FIRST_NAMES: [&str; 40] = [
    "Léa",
    "Hugo",
    "Claire",
    "Samir",
    "Awa",
    "Jean-Pierre",
    "Marie",
    "Éléonore",
    "Paul",
    "Inès",
    "Anne-Sophie",
    "Karim",
    "Zoé",
    "Louis",
    "Fatou",
    "Noël",
    "Camille",
    "Yann",
    "Maëlle",
    "Théo",
    "Jeanne",
    "Mehdi",
    "Agnès",
    "Loïc",
    "Chloé",
    "Rémi",
    "Aïcha",
    "Gaël",
    "Élise",
    "Bruno",
    "Nadia",
    "Simon",
    "Manon",
    "Omar",
    "Juliette",
    "Denis",
    "Sofia",
    "Benoît",
    "Lucie",
    "Victor",
];
const SURNAME_BEGINNINGS: [&str; 25] = [
    "Du", "Mar", "Ber", "Le", "Gar", "Mo", "Fa", "Rou", "Bon", "Cha", "Del", "Per", "Gau", "Lam",
    "Pe", "Vin", "Bla", "Col", "Hen", "Re", "Tou", "Sa", "Bri", "Gi", "No",
];
const SURNAME_ENDS: [&str; 20] = [
    "bois", "tin", "trand", "fèvre", "nier", "reau", "ure", "ssel", "net", "pont", "mas", "rin",
    "vier", "bert", "cent", "chet", "las", "ry", "naud", "veau",
];
const OFFICES: [&str; 5] = ["Préfecture", "Intérieur", "Justice", "Santé", "Éducation"];

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    let count = context.scale.people;
    let names: Vec<String> = (0..count).map(name).collect();
    context.accounts.named(&names).await?;

    // What somebody types who looks for anybody at all; and for one person among many namesakes.
    let beginnings = ["mar", "du", "jean", "l", "berb", "éléo"].map(str::to_owned);
    let begun = search(context, &beginnings, false).await?;
    let name = format!("directory of {count} people, beginning of a name");
    context.add(Row::of(name, &begun).cpu_goal(MOST_CPU_MS), 1).await?;

    let whole: Vec<String> = names.iter().step_by(count.div_ceil(60)).cloned().collect();
    let found = search(context, &whole, true).await?;
    let name = format!("directory of {count} people, whole name");
    context.add(Row::of(name, &found).cpu_goal(MOST_CPU_MS), 1).await?;

    // The worst of all: two beginnings that thousands have.
    let vague = ["l m", "m préf", "marie d", "c b"].map(str::to_owned);
    let found = search(context, &vague, false).await?;
    let name = format!("directory of {count} people, two letters");
    context.add(Row::of(name, &found).cpu_goal(MOST_CPU_MS), 1).await
}

async fn search(
    context: &Context,
    terms: &[String],
    must_find: bool,
) -> Result<Sample, BenchError> {
    let matrix = context.matrix.clone();
    let searcher = context.accounts.one().await?;
    let search = async |_, number: usize| {
        let term = &terms[number % terms.len()];
        let body = json!({ "search_term": term, "limit": 10 });
        let answer = matrix.request(Some(&searcher), Method::POST, PATH, Some(&body)).await?;
        // A search that finds nobody measures nothing.
        if must_find && answer["results"][0]["user_id"].is_null() {
            return Err(BenchError::Missing { path: PATH.to_owned(), field: "results" });
        }
        Ok(())
    };
    measure::measure(context.pid, 1, context.scale.people_searches, search).await
}

/// The name of one of very many people.
fn name(number: usize) -> String {
    let first = FIRST_NAMES[number % FIRST_NAMES.len()];
    let rest = number / FIRST_NAMES.len();
    let begin = SURNAME_BEGINNINGS[rest % SURNAME_BEGINNINGS.len()];
    let rest = rest / SURNAME_BEGINNINGS.len();
    let end = SURNAME_ENDS[rest % SURNAME_ENDS.len()];
    let office = OFFICES[number % OFFICES.len()];
    format!("{first} {begin}{end} [{office}]")
}
