#include "verifyd/json/json.h"

#include <string>

#include "boost/json/src.hpp"
#include "verifyd/json/described.h"

namespace verifyd {

namespace json = boost::json;

json::string JsonText(absl::string_view text) { return json::string(json::string_view(text.data(), text.size())); }

json::value ToJson(absl::Time time) {
  const std::string text = ShownTime(time);
  if (text.empty()) return nullptr;
  return JsonText(text);
}

}  // namespace verifyd
