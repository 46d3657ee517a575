//! The servers at which jobs have orders made: which of them a job needs, and signing in there.

use std::{collections::BTreeSet, sync::Arc};

use clms_preload::{JobRequest, Order, ServerName, Servers};

use crate::{
    ClmsStore, StoreError,
    sources::{
        eea::{self, Portal},
        wekeo::{self, WekeoOptions, WekeoSource},
    },
};

impl ClmsStore {
    /// The servers of these jobs, each of which has taken the user's credentials.
    pub(crate) async fn signed_in_servers(
        &self,
        requests: &[JobRequest],
    ) -> Result<Servers, StoreError> {
        let names: BTreeSet<&ServerName> = requests
            .iter()
            .map(|request| &request.order.server)
            .collect();
        let mut servers = Servers::none();
        for name in names {
            if *name == wekeo::server() {
                let source = self.wekeo()?;
                source.sign_in().await?;
                servers = servers.with(name.clone(), Arc::new(source));
            } else if *name == ServerName::portal() {
                let portal = self.network.signed_portal().await?;
                portal.sign_in().await?;
                servers = servers.with(name.clone(), Arc::new(Portal(portal)));
            }
        }
        Ok(servers)
    }

    /// The server of an order, with whatever credentials there are. What is wrong with them shows when it is asked for something.
    pub(crate) async fn server_of(&self, order: &Order) -> Servers {
        if order.server == wekeo::server() {
            let wekeo = self.wekeo().map(Arc::new);
            return wekeo.map_or_else(
                |_| Servers::none(),
                |wekeo| Servers::none().with(wekeo::server(), wekeo),
            );
        }
        let signed = self.network.signed_portal().await;
        let portal = signed.unwrap_or_else(|_| self.network.portal_without_key());
        Servers::from(Arc::new(Portal(portal)))
    }

    fn wekeo(&self) -> Result<WekeoSource, StoreError> {
        let (client, accepts_terms) = self.network.wekeo()?;
        let usual = WekeoOptions::default();
        // Who looks more often is less patient in all else too.
        let options = WekeoOptions {
            accepts_terms,
            pause: usual.pause.min(self.poll_interval),
            ..usual
        };
        Ok(WekeoSource::new(client, self.cache.records(), options)?)
    }
}

/// What is sent for an order; `null` if it can't be read.
pub(crate) fn body(order: &Order) -> serde_json::Value {
    if order.server == wekeo::server() {
        return order.parameters.clone();
    }
    eea::data_request(order)
        .map(|request| request.to_json())
        .unwrap_or_default()
}
