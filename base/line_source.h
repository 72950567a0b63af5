// Text that comes line by line, over time: answers of the api on their way out, addresses on their way in.
//
// Thread: the front loop only.
#ifndef VERIFYD_BASE_LINE_SOURCE_H_
#define VERIFYD_BASE_LINE_SOURCE_H_

#include <functional>
#include <optional>
#include <string>

#include "boost/asio/awaitable.hpp"

namespace verifyd {

// Returns the next lines, as many as have come together, each with its line end; nullopt after the last one. One call
// at a time. Destroy the source when nobody listens any more: its work then ends by itself.
using LineSource = std::function<boost::asio::awaitable<std::optional<std::string>>()>;

}  // namespace verifyd

#endif  // VERIFYD_BASE_LINE_SOURCE_H_
