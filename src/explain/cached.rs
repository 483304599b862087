//! What a cached answer does to the declared routes.

use super::explanation::Effect;
use super::iam::Policy;
use super::meaning;
use super::words::printable;
use crate::authorizer::Authorizer;
use crate::claims::Verified;
use crate::event::Request;
use crate::routes::{Route, Segment, path_texts};
use crate::settings::RouteRules;
use crate::time::NumericDate;

impl Authorizer {
    /// What a policy does to every declared route.
    pub(super) fn effects(
        &self,
        policy: &Policy,
        request: &Request<'_>,
        taken: Option<&str>,
        token: Option<&Verified>,
        now: NumericDate,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (entry, methods) in meaning::declared(&self.routes) {
            let sample = match taken == Some(entry.path.as_str()) {
                true => request.arn.path().to_owned(),
                false => sample(entry, token),
            };
            effects.extend(methods.into_iter().map(|method| Effect {
                method,
                path: entry.path.as_str().to_owned(),
                sample: printable(&format!("/{sample}")),
                passes: policy.allows(&format!("{}{method}/{sample}", request.arn.stage()), now),
                rules: token.map(|token| {
                    self.settings.route_rules == RouteRules::Report
                        || self.routes.decide_path(method, &sample, token).permit.is_ok()
                }),
            }));
        }
        effects
    }
}

/// A path that takes an entry: the token's own text where a claim is compared with a parameter, else a made-up one.
pub(super) fn sample(entry: &Route, token: Option<&Verified>) -> String {
    let own = |position: usize| {
        let needs = entry.need.any_of.iter().flat_map(|way| &way.claims);
        let claim = needs.into_iter().find(|need| need.positions().any(|at| at == position))?;
        path_texts(claim.claim.of(token?.claims())?).next().map(str::to_owned)
    };
    let segments = entry.path.segments().iter().enumerate();
    let texts = segments.map(|(position, segment)| match segment {
        Segment::Literal(text) => text.to_string(),
        Segment::Parameter(_) => own(position).unwrap_or_else(|| "any".to_owned()),
        Segment::Greedy(_) => own(position).unwrap_or_else(|| "any/path".to_owned()),
    });
    texts.collect::<Vec<_>>().join("/")
}
