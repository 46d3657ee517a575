//! `clms schema`.

use super::{Context, Done};
use crate::args::Schema;

pub(crate) fn run(context: &Context, schema: &Schema) -> Done {
    let schema = schema.of.schema();
    context.result(&schema, || format!("{schema:#}\n"))
}
