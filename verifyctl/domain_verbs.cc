#include "verifyctl/domain_verbs.h"

#include "absl/strings/str_cat.h"
#include "boost/json.hpp"
#include "verifyctl/answer.h"
#include "verifyctl/result_text.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_record.h"

namespace verifyd {

int Domains(bool json, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/domains";
  return Answer(asker, request, console, [&](absl::string_view line, const boost::json::object& domain) {
    console.out << (json ? absl::StrCat(line, "\n") : DomainText(FromJson<ShownDomain>(domain), console.clock.Now()));
  });
}

}  // namespace verifyd
