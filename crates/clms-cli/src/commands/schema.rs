//! `clms schema`.

use clms_store::{DataId, StoreError};

use super::{Context, Done, documents};
use crate::{
    args::{Schema, SchemaOf},
    failure::Failure,
    text,
};

pub(crate) async fn run(context: &Context, asked: Schema) -> Done {
    let schema = match (asked.of, asked.about.as_slice()) {
        (SchemaOf::Output, []) => return list(context),
        (SchemaOf::Output, words) => of_output(&words.join(" "))?,
        (SchemaOf::Parameters(of), []) => of.schema(),
        (SchemaOf::Parameters(of), [data_id]) => {
            let data_id: DataId = data_id.parse().map_err(StoreError::from)?;
            context.store.parameters(of, &data_id).await?
        }
        (SchemaOf::Parameters(_), _) => {
            return Err(Failure::usage("parameters are those of one data id").into());
        }
    };
    context.result(&schema, || format!("{schema:#}\n"))
}

fn of_output(command: &str) -> Result<serde_json::Value, Failure> {
    let document = documents::Document::find(command).ok_or_else(|| {
        Failure::usage(format!("there is no output of {command:?}"))
            .with_hint("`clms schema output` lists all")
    })?;
    Ok(document.schema())
}

/// What there are schemas of.
fn list(context: &Context) -> Done {
    let names: Vec<&str> = documents::ALL
        .iter()
        .map(|document| document.name)
        .collect();
    context.result(&names, || {
        let rows = documents::ALL
            .iter()
            .map(|document| vec![document.name.to_owned(), document.title.to_owned()]);
        text::table(&["output", "what it is"], rows, &[])
    })
}
