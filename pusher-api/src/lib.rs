//! pusher-api
