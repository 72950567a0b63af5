// Texts as JSON values. An object is a described struct (described.h): the shown_*.h have those of this room.
//
// Thread: any (pure functions). Include boost/json.hpp where the values are used; its code is compiled once, in
// json.cc.
#ifndef VERIFYD_VERIFYD_JSON_JSON_H_
#define VERIFYD_VERIFYD_JSON_JSON_H_

#include "absl/strings/string_view.h"
#include "boost/json/fwd.hpp"

namespace verifyd {

boost::json::string JsonText(absl::string_view text);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_JSON_JSON_H_
