#include "probe/catch_all.h"

#include "absl/random/distributions.h"
#include "absl/strings/str_cat.h"
#include "dns/provider.h"

namespace verifyd {
namespace {

bool AnswersAreKnown(const std::string& host) {
  const std::string provider = ProviderOf(host);
  return provider == "google.com" || provider == "googlemail.com" || provider == "outlook.com" ||
         provider == "hotmail.com" || provider == "yahoodns.net";
}

}  // namespace

bool WantsCatchAll(const ProbeJob& job) {
  switch (job.request.ask_catch_all) {
    case AskCatchAll::kNo:
      return false;
    case AskCatchAll::kOnConfiguredRoutes:
      return job.route.configured;
    case AskCatchAll::kAlways:
      return job.route.configured || !AnswersAreKnown(job.route.endpoints.front().host);
  }
  return false;
}

absl::StatusOr<Address> RandomAddress(const std::string& domain, absl::BitGenRef random) {
  constexpr absl::string_view kConsonants = "bcdfghjklmnprstvw";
  constexpr absl::string_view kVowels = "aeiou";
  std::string local;
  for (int i = 0; i < 7; ++i) {
    local.push_back(kConsonants[absl::Uniform<size_t>(random, 0, kConsonants.size())]);
    local.push_back(kVowels[absl::Uniform<size_t>(random, 0, kVowels.size())]);
  }
  return Address::FromUnquoted(absl::StrCat(local, absl::Uniform(random, 10, 100), "@", domain));
}

}  // namespace verifyd
