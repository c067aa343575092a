//! The body of a request, as far as it is on its way.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use ::object_store::client::{HttpError, HttpRequestBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A body that counts the parts that were taken of it, so that one that is slow is told from one that stands still.
pub(super) struct Sent {
    pub(super) body: HttpRequestBody,
    pub(super) parts: Arc<AtomicU64>,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.parts.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
