// The one translation unit that compiles Asio's TLS code, as base/asio.cc does for the rest of Asio.
#include <boost/asio/ssl/impl/src.hpp>
