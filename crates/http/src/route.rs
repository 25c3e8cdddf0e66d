//! Routes from ruma's endpoint metadata: each endpoint at all the stable paths that the
//! specification ever gave it (`r0`, `v1`, `v3`).

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, on},
};
use ruma::api::{
    Metadata,
    path_builder::{SinglePath, VersionHistory},
};

/// All paths of an endpoint.
pub trait Paths {
    /// The stable paths, as axum writes them.
    fn stable(&self) -> Vec<&'static str>;

    /// The unstable paths, as axum writes them.
    fn unstable(&self) -> Vec<&'static str>;
}

impl Paths for VersionHistory {
    fn stable(&self) -> Vec<&'static str> {
        let mut paths: Vec<_> = self.stable_paths().map(|(_, path)| path).collect();
        paths.dedup();
        paths
    }

    fn unstable(&self) -> Vec<&'static str> {
        let mut paths: Vec<_> = self.unstable_paths().map(|(_, path)| path).collect();
        paths.dedup();
        paths
    }
}

impl Paths for SinglePath {
    fn stable(&self) -> Vec<&'static str> {
        vec![self.path()]
    }

    fn unstable(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// Adds endpoints to a router by their ruma request type.
pub trait RumaRoutes<S>: Sized {
    /// Serves an endpoint at its stable paths.
    #[must_use]
    fn endpoint<T, H, A>(self, handler: H) -> Self
    where
        T: Metadata,
        T::PathBuilder: Paths,
        H: Handler<A, S>,
        A: 'static;

    /// Serves an endpoint at its stable and its unstable paths.
    #[must_use]
    fn endpoint_with_unstable<T, H, A>(self, handler: H) -> Self
    where
        T: Metadata,
        T::PathBuilder: Paths,
        H: Handler<A, S>,
        A: 'static;
}

impl<S: Clone + Send + Sync + 'static> RumaRoutes<S> for Router<S> {
    fn endpoint<T, H, A>(self, handler: H) -> Self
    where
        T: Metadata,
        T::PathBuilder: Paths,
        H: Handler<A, S>,
        A: 'static,
    {
        serve_at(self, method_filter::<T>(), T::PATH_BUILDER.stable(), handler)
    }

    fn endpoint_with_unstable<T, H, A>(self, handler: H) -> Self
    where
        T: Metadata,
        T::PathBuilder: Paths,
        H: Handler<A, S>,
        A: 'static,
    {
        let mut paths = T::PATH_BUILDER.stable();
        paths.extend(T::PATH_BUILDER.unstable());
        serve_at(self, method_filter::<T>(), paths, handler)
    }
}

fn method_filter<T: Metadata>() -> MethodFilter {
    MethodFilter::try_from(T::METHOD).expect("ruma's endpoints use standard methods")
}

fn serve_at<S, H, A>(
    router: Router<S>,
    method: MethodFilter,
    paths: Vec<&'static str>,
    handler: H,
) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    H: Handler<A, S>,
    A: 'static,
{
    paths.into_iter().fold(router, |router, path| router.route(path, on(method, handler.clone())))
}
