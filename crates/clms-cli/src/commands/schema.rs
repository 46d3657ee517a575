//! `clms schema`.

use clms_store::{DataId, StoreError};

use super::{Context, Done};
use crate::args::Schema;

pub(crate) async fn run(context: &Context, asked: Schema) -> Done {
    let schema = match &asked.data_id {
        None => asked.of.schema(),
        Some(data_id) => {
            let data_id: DataId = data_id.parse().map_err(StoreError::from)?;
            context.store.parameters(asked.of, &data_id).await?
        }
    };
    context.result(&schema, || format!("{schema:#}\n"))
}
