// The verify socket takes bytes from every client that can reach it.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "verifyd/door/verify_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t length = verifyd::VerifyRequestLength(bytes);
  if (length > size || (length > 0 && bytes[length - 1] != '\0')) std::abort();
  const absl::string_view text = length == 0 ? bytes : bytes.substr(0, length);
  const auto request = verifyd::ParseVerifyRequest(text);
  if (!request.ok()) return 0;
  for (const absl::string_view field : {request->address, request->reason}) {
    if (field.data() != nullptr &&
        (field.data() < text.data() || field.data() + field.size() > text.data() + text.size())) {
      std::abort();
    }
    if (field.find('\0') != absl::string_view::npos) std::abort();
  }
  if (request->kind == verifyd::VerifyRequest::Kind::kUpdate &&
      request->recipient_status > verifyd::RecipientStatus::kBounce) {
    std::abort();
  }
  return 0;
}
