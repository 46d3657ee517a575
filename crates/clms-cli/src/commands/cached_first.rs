//! Of the data ids that may have been meant, those that are cached come first.

use std::collections::BTreeSet;

use clms_store::DataId;

use super::Context;
use crate::failure::Failure;

/// The same failure, if it names data ids, with those first that are in the cache; of a product, all of these.
pub(super) async fn sorted(context: &Context, mut failure: Failure) -> Failure {
    let Ok(cubes) = context.store.cached().await else {
        return failure;
    };
    let cached: BTreeSet<String> = cubes.into_iter().map(|cube| cube.data_id).collect();
    let product = |id: &str| -> Option<String> {
        let data_id: DataId = id.parse().ok()?;
        Some(data_id.product().to_owned())
    };
    let named = std::mem::take(&mut failure.nearest);
    let of_product: Vec<&String> = match failure.kind.as_str() {
        "is_a_product" => {
            let wanted = named.first().and_then(|id| product(id));
            let is_of_it = |id: &&String| wanted.is_some() && product(id) == wanted;
            cached.iter().filter(is_of_it).collect()
        }
        _ => Vec::new(),
    };
    let (mut here, there): (Vec<String>, Vec<String>) =
        named.into_iter().partition(|id| cached.contains(id));
    for id in of_product {
        if !here.contains(id) {
            here.push(id.clone());
        }
    }
    if let Some(hint) = failure.hint.as_mut().filter(|_| !here.is_empty()) {
        *hint = marked(hint, &here, &there);
    }
    failure.nearest = here.into_iter().chain(there).collect();
    failure
}

/// The hint with the ids in their order, and a line above those that are here and those that are not.
fn marked(hint: &str, here: &[String], there: &[String]) -> String {
    let is_id = |line: &str| {
        line.strip_prefix("  ")
            .is_some_and(|id| here.iter().chain(there).any(|it| it == id))
    };
    let before = hint.lines().take_while(|line| !is_id(line));
    let after = hint
        .lines()
        .skip_while(|line| !is_id(line))
        .filter(|line| !is_id(line));
    let listed = |heading: &str, ids: &[String]| {
        let heading = (!ids.is_empty()).then(|| heading.to_owned());
        let ids: Vec<String> = ids.iter().map(|id| format!("  {id}")).collect();
        heading.into_iter().chain(ids)
    };
    let lines: Vec<String> = before
        .map(str::to_owned)
        .chain(listed("in the cache:", here))
        .chain(listed("not in the cache:", there))
        .chain(after.map(str::to_owned))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::marked;

    #[test]
    fn what_is_here_stands_first_under_a_heading() {
        let ids = |ids: &[&str]| -> Vec<String> { ids.iter().map(|id| (*id).to_owned()).collect() };
        let hint = "did you mean one of these?\n  a|b\n  a|c\nand more";
        assert_eq!(
            marked(hint, &ids(&["a|c"]), &ids(&["a|b"])),
            "did you mean one of these?\nin the cache:\n  a|c\nnot in the cache:\n  a|b\nand more"
        );
        assert_eq!(
            marked("did you mean this?\n  a|b", &ids(&["a|b"]), &[]),
            "did you mean this?\nin the cache:\n  a|b"
        );
    }
}
