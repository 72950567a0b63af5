#include "verifyd/json/json.h"

#include "boost/json/src.hpp"

namespace verifyd {

namespace json = boost::json;

json::string JsonText(absl::string_view text) { return json::string(json::string_view(text.data(), text.size())); }

}  // namespace verifyd
