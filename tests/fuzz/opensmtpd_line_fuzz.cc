// OpenSMTPD's lines about its clients, and the answers of the line door: both go into lines for OpenSMTPD.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "opensmtpd/filter_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Input: a question, a line end, and an answer to it.
  const size_t newline = bytes.find('\n');
  const auto question = verifyd::ParseFilterQuestion(bytes.substr(0, newline));
  if (!question.has_value()) return 0;
  if (question->recipient.find('\n') != std::string::npos) std::abort();
  const absl::string_view answer = newline == absl::string_view::npos ? "" : bytes.substr(newline + 1);
  const std::string result = verifyd::FilterResult(*question, answer);
  if (std::count(result.begin(), result.end(), '\n') != 1 || !absl::EndsWith(result, "\n")) std::abort();
  if (!absl::StartsWith(result, "filter-result|")) std::abort();
  return 0;
}
