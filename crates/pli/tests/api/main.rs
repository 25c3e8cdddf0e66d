//! The client-server API as clients meet it: over HTTP, against a server started as operators start
//! it. One module per group of endpoints.

mod support;
