// The policy protocol takes bytes from every client that can reach the socket.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "verifyd/door/policy_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t length = verifyd::PolicyRequestLength(bytes);
  if (length > size) std::abort();
  const absl::string_view text = length == 0 ? bytes : bytes.substr(0, length);
  const auto request = verifyd::ParsePolicyRequest(text);
  if (!request.ok()) return 0;
  for (const absl::string_view field : {request->sender, request->recipient, request->protocol_state}) {
    if (field.data() != nullptr &&
        (field.data() < text.data() || field.data() + field.size() > text.data() + text.size())) {
      std::abort();
    }
    if (field.find('\n') != absl::string_view::npos) std::abort();
  }
  return 0;
}
