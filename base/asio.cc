// The one translation unit that compiles Asio's own code (BOOST_ASIO_SEPARATE_COMPILATION), so that every other
// includes declarations only and builds in a fraction of the time.
#include <boost/asio/impl/src.hpp>
