//! Searching and ordering: each product once, however often anybody is killed.

use std::collections::HashMap;

use clms_preload::{Order as JobOrder, Problem, ProblemKind};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    HdaError, HdaQuery, OrderStatus, WekeoSource,
    hda::{self, HdaOrder},
    ledger::{OrderedProduct, QueryOrders},
};

/// How many orders of one product may come to nothing.
const MOST_FAILURES: u32 = 3;

/// How far back the broker's list is read when an order without an answer is looked for.
const MOST_LISTED: usize = 2000;

/// Clocks of different machines differ by less than this.
const CLOCKS_DIFFER: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// Why nothing was ordered, or not all.
#[derive(Debug)]
pub(super) enum Hindrance {
    /// Surely nothing was ordered by the call that failed.
    Refused(Problem),
    /// There may be an order more than anybody knows.
    Unclear(Problem),
}

impl Hindrance {
    pub(super) fn into_problem(self) -> Problem {
        match self {
            Self::Refused(problem) | Self::Unclear(problem) => problem,
        }
    }
}

impl From<Problem> for Hindrance {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<HdaError> for Hindrance {
    fn from(why: HdaError) -> Self {
        Self::Refused(why.into())
    }
}

impl WekeoSource {
    /// Orders the first products of a query, or those of its products whose orders came to nothing.
    pub(super) async fn begin(&self, order: &JobOrder) -> Result<QueryOrders, Hindrance> {
        let mut orders = match self.ledger.read(&order.content).await? {
            Some(mut known) => {
                self.forget_failed(&mut known).await?;
                known
            }
            None => {
                let query: HdaQuery =
                    serde_json::from_value(order.parameters.clone()).map_err(|why| {
                        let message = format!("{} is no query of WEkEO: {why}", order.file_name);
                        Problem::new(ProblemKind::Internal, message)
                    })?;
                let found = self.find(query).await?;
                QueryOrders::new(order.content.clone(), found.0.dataset_id, found.1)
            }
        };
        self.ledger.write(&mut orders).await?;
        match self.order_more(&mut orders, 0).await {
            // The others are ordered when those are fetched.
            Err(why) if orders.products.iter().any(|p| p.download_id.is_some()) => {
                tracing::info!(problem = %why.into_problem(), "not all products are ordered yet");
                Ok(orders)
            }
            Err(why) => Err(why),
            Ok(()) => Ok(orders),
        }
    }

    /// What a query finds: some products, all of one date.
    async fn find(&self, query: HdaQuery) -> Result<(HdaQuery, Vec<hda::Product>), Problem> {
        let dataset = query.dataset_id.clone();
        let queryables = self.client.queryables(&dataset).await?;
        let query = query.fitted(&queryables).map_err(|unknown| {
            let message = format!(
                "WEkEO's {dataset} can't be asked for {}, as the portal wants it",
                unknown.join(", ")
            );
            Problem::new(ProblemKind::Refused, message).with_hint(hda::MOVED)
        })?;
        let most = self.options.most_products;
        let products = match self.client.search(&query, most).await {
            Err(HdaError::TermsNotAccepted { terms, .. })
                if self.options.accepts_terms && !terms.is_empty() =>
            {
                for terms in &terms {
                    tracing::info!(%terms, "accepting the terms in the account's name");
                    self.client.accept_terms(terms).await?;
                }
                self.client.search(&query, most).await?
            }
            Err(HdaError::Refused {
                status: 200,
                message,
                ..
            }) => {
                let problem = Problem::new(ProblemKind::Refused, format!("{dataset}: {message}"));
                return Err(problem.with_hint("ask for a smaller area"));
            }
            found => found?,
        };
        if products.is_empty() {
            let message = format!("WEkEO finds nothing in {dataset} for that area and time");
            let problem = Problem::new(ProblemKind::Other("no_products".to_owned()), message);
            return Err(problem.with_hint("try other days or a larger area"));
        }
        one_date(&dataset, &products)?;
        Ok((query, products))
    }

    /// Orders those of the products from `first` on that are not ordered, as many as may be prepared at a time, and `first` in any case.
    ///
    /// What happens is written down before and after. When this fails, some of them may have been ordered all the same.
    pub(super) async fn order_more(
        &self,
        orders: &mut QueryOrders,
        first: usize,
    ) -> Result<(), Hindrance> {
        self.recover(orders).await?;
        let under_way = orders.products[first..]
            .iter()
            .filter(|ordered| ordered.download_id.is_some())
            .count();
        let room = self.options.at_once.saturating_sub(under_way).max(1);
        let wave: Vec<usize> = (first..orders.products.len())
            .filter(|index| orders.products[*index].download_id.is_none())
            .take(room)
            .collect();
        if wave.is_empty() {
            return Ok(());
        }
        let now = Timestamp::now();
        for index in &wave {
            orders.products[*index].asked_at = Some(now);
        }
        self.ledger.write(orders).await?;
        let mut hindrance = None;
        for index in wave {
            let dataset = orders.dataset.clone();
            let ordered = &mut orders.products[index];
            if hindrance.is_some() {
                ordered.asked_at = None;
                continue;
            }
            match self.client.order(&dataset, &ordered.product).await {
                Ok(id) => ordered.download_id = Some(id),
                Err(why) if why.is_unclear() => {
                    hindrance = Some(Hindrance::Unclear(why.into()));
                }
                Err(why) => {
                    ordered.asked_at = None;
                    hindrance = Some(Hindrance::Refused(why.into()));
                }
            }
        }
        self.ledger.write(orders).await?;
        hindrance.map_or(Ok(()), Err)
    }

    /// Looks in the broker's list for orders that were sent and not answered. One that is not there after some time was not made.
    async fn recover(&self, orders: &mut QueryOrders) -> Result<(), Hindrance> {
        if !orders.products.iter().any(OrderedProduct::is_unclear) {
            return Ok(());
        }
        let listed = self.list_orders().await?.unwrap_or_default();
        let taken: Vec<String> = orders
            .products
            .iter()
            .filter_map(|ordered| ordered.download_id.clone())
            .collect();
        let mut is_too_soon = false;
        for ordered in &mut orders.products {
            let Some(asked_at) = ordered.asked_at.filter(|_| ordered.is_unclear()) else {
                continue;
            };
            let is_it = |found: &&HdaOrder| {
                found.product_id.as_ref() == Some(&ordered.product.id)
                    && found.status != OrderStatus::Failed
                    && !taken.contains(&found.download_id)
                    && found
                        .created
                        .is_none_or(|created| created >= asked_at - CLOCKS_DIFFER)
            };
            if let Some(found) = listed.iter().find(is_it) {
                ordered.download_id = Some(found.download_id.clone());
            } else if Timestamp::now().duration_since(asked_at) < self.options.settle {
                is_too_soon = true;
            } else {
                ordered.asked_at = None;
            }
        }
        self.ledger.write(orders).await?;
        match is_too_soon {
            true => {
                let message = "an order at WEkEO had no answer, and is not in its list so far";
                let problem = Problem::new(ProblemKind::NoTask, message);
                Err(Hindrance::Unclear(problem))
            }
            false => Ok(()),
        }
    }

    /// The account's orders; `None` if the broker tells of single ones only.
    pub(super) async fn list_orders(&self) -> Result<Option<Vec<HdaOrder>>, HdaError> {
        match self.client.orders(MOST_LISTED).await {
            Ok(orders) => Ok(Some(orders)),
            Err(HdaError::Refused {
                status: 400 | 404 | 405 | 422,
                ..
            }) => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// How far orders are, by their names. What the broker does not know is not in it.
    pub(super) async fn states(&self, ids: &[&str]) -> Result<HashMap<String, HdaOrder>, HdaError> {
        let mut states = HashMap::new();
        if ids.is_empty() {
            return Ok(states);
        }
        if let Some(listed) = self.list_orders().await? {
            let listed = listed.into_iter();
            states.extend(listed.map(|order| (order.download_id.clone(), order)));
        }
        for id in ids {
            if !states.contains_key(*id)
                && let Some(order) = self.client.order_state(id).await?
            {
                states.insert((*id).to_owned(), order);
            }
        }
        Ok(states)
    }

    /// Makes a new task of the query if orders of it have failed, and forgets these.
    async fn forget_failed(&self, orders: &mut QueryOrders) -> Result<(), HdaError> {
        let known: Vec<String> = orders
            .products
            .iter()
            .filter_map(|ordered| ordered.download_id.clone())
            .collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let states = self.states(&known).await?;
        let mut any = false;
        for ordered in &mut orders.products {
            let state = ordered.download_id.as_ref().and_then(|id| states.get(id));
            if state.is_some_and(|order| order.status == OrderStatus::Failed) {
                ordered.fail();
                // How often this may happen is the job's to decide.
                ordered.failures = 0;
                any = true;
            }
        }
        if any {
            orders.begin_anew();
        }
        Ok(())
    }
}

/// An order of a product came to nothing; an error if that was the last one.
pub(super) fn give_up(ordered: &mut OrderedProduct, why: Option<&str>) -> Result<(), Problem> {
    ordered.fail();
    if ordered.failures < MOST_FAILURES {
        return Ok(());
    }
    // Whoever asks for it again means it.
    ordered.failures = 0;
    let message = format!(
        "WEkEO could not provide {}, ordered {MOST_FAILURES} times: {}",
        ordered.product.id,
        why.unwrap_or("it does not say why")
    );
    Err(Problem::new(ProblemKind::TaskFailed, message)
        .with_hint("ask for it again later; what has come so far is kept"))
}

/// A cube has no time: what is seen on several dates must not become one picture.
fn one_date(dataset: &str, products: &[hda::Product]) -> Result<(), Problem> {
    let day = |time: Option<Timestamp>| time.map(|time| time.to_zoned(TimeZone::UTC).date());
    let mut dates: Vec<_> = products
        .iter()
        .map(|product| (day(product.start), day(product.end)))
        .collect();
    dates.sort();
    dates.dedup();
    if dates.len() < 2 {
        return Ok(());
    }
    const SHOWN: usize = 5;
    let mut shown: Vec<String> = dates
        .iter()
        .take(SHOWN)
        .map(|(start, end)| {
            let text = |day: &Option<jiff::civil::Date>| {
                day.map_or_else(|| "unknown".to_owned(), |day| day.to_string())
            };
            format!("{}/{}", text(start), text(end))
        })
        .collect();
    if dates.len() > SHOWN {
        shown.push("…".to_owned());
    }
    let message = format!(
        "{dataset} has products of {} dates in that time, and a cube holds one: {}",
        dates.len(),
        shown.join(", ")
    );
    let problem = Problem::new(ProblemKind::Other("several_dates".to_owned()), message);
    Err(problem.with_hint("preload each date by itself: narrow time=A/B to one of them"))
}
