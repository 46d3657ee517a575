//! What object stores that stand before another one have in common: methods that they pass on, or refuse, as they are.
//!
//! Methods that are in no list, and not written out, are those of the trait itself, which are made of the others. The
//! signatures are what `async_trait` makes of the trait's, because it leaves macros alone.

/// Within `impl ObjectStore` for a type with a field `inner`: these methods are the inner store's.
macro_rules! forward {
    ($($method:ident),+ $(,)?) => {
        $($crate::forwarding::forward!(@$method);)+
    };
    (@get_opts) => {
        fn get_opts<'s, 'k, 'f>(
            &'s self,
            key: &'k ::object_store::path::Path,
            options: ::object_store::GetOptions,
        ) -> ::futures::future::BoxFuture<'f, ::object_store::Result<::object_store::GetResult>>
        where
            's: 'f,
            'k: 'f,
            Self: 'f,
        {
            self.inner.get_opts(key, options)
        }
    };
    (@get_ranges) => {
        fn get_ranges<'s, 'k, 'r, 'f>(
            &'s self,
            key: &'k ::object_store::path::Path,
            ranges: &'r [::std::ops::Range<u64>],
        ) -> ::futures::future::BoxFuture<'f, ::object_store::Result<Vec<::bytes::Bytes>>>
        where
            's: 'f,
            'k: 'f,
            'r: 'f,
            Self: 'f,
        {
            self.inner.get_ranges(key, ranges)
        }
    };
    (@delete_stream) => {
        fn delete_stream(
            &self,
            keys: ::futures::stream::BoxStream<
                'static,
                ::object_store::Result<::object_store::path::Path>,
            >,
        ) -> ::futures::stream::BoxStream<
            'static,
            ::object_store::Result<::object_store::path::Path>,
        > {
            self.inner.delete_stream(keys)
        }
    };
    (@list) => {
        fn list(
            &self,
            prefix: Option<&::object_store::path::Path>,
        ) -> ::futures::stream::BoxStream<'static, ::object_store::Result<::object_store::ObjectMeta>>
        {
            self.inner.list(prefix)
        }
    };
    (@list_with_offset) => {
        fn list_with_offset(
            &self,
            prefix: Option<&::object_store::path::Path>,
            offset: &::object_store::path::Path,
        ) -> ::futures::stream::BoxStream<'static, ::object_store::Result<::object_store::ObjectMeta>>
        {
            self.inner.list_with_offset(prefix, offset)
        }
    };
    (@list_with_delimiter) => {
        fn list_with_delimiter<'s, 'k, 'f>(
            &'s self,
            prefix: Option<&'k ::object_store::path::Path>,
        ) -> ::futures::future::BoxFuture<'f, ::object_store::Result<::object_store::ListResult>>
        where
            's: 'f,
            'k: 'f,
            Self: 'f,
        {
            self.inner.list_with_delimiter(prefix)
        }
    };
}

/// Within `impl ObjectStore` for a handle on a finished cube: whatever would change it is refused.
macro_rules! refuse_writes {
    () => {
        fn put_opts<'s, 'k, 'f>(
            &'s self,
            _: &'k ::object_store::path::Path,
            _: ::object_store::PutPayload,
            _: ::object_store::PutOptions,
        ) -> ::futures::future::BoxFuture<'f, ::object_store::Result<::object_store::PutResult>>
        where
            's: 'f,
            'k: 'f,
            Self: 'f,
        {
            Box::pin(async { Err($crate::forwarding::is_finished()) })
        }

        fn put_multipart_opts<'s, 'k, 'f>(
            &'s self,
            _: &'k ::object_store::path::Path,
            _: ::object_store::PutMultipartOptions,
        ) -> ::futures::future::BoxFuture<
            'f,
            ::object_store::Result<Box<dyn ::object_store::MultipartUpload>>,
        >
        where
            's: 'f,
            'k: 'f,
            Self: 'f,
        {
            Box::pin(async { Err($crate::forwarding::is_finished()) })
        }

        fn delete_stream(
            &self,
            keys: ::futures::stream::BoxStream<
                'static,
                ::object_store::Result<::object_store::path::Path>,
            >,
        ) -> ::futures::stream::BoxStream<
            'static,
            ::object_store::Result<::object_store::path::Path>,
        > {
            Box::pin(::futures::StreamExt::map(keys, |_| {
                Err($crate::forwarding::is_finished())
            }))
        }

        fn copy_opts<'s, 'k, 'l, 'f>(
            &'s self,
            _: &'k ::object_store::path::Path,
            _: &'l ::object_store::path::Path,
            _: ::object_store::CopyOptions,
        ) -> ::futures::future::BoxFuture<'f, ::object_store::Result<()>>
        where
            's: 'f,
            'k: 'f,
            'l: 'f,
            Self: 'f,
        {
            Box::pin(async { Err($crate::forwarding::is_finished()) })
        }
    };
}

pub(crate) use {forward, refuse_writes};

/// Why a handle on a finished cube refuses to be written to.
pub(crate) fn is_finished() -> object_store::Error {
    object_store::Error::NotSupported {
        source: "a finished cube is not written to; stage a new one".into(),
    }
}
