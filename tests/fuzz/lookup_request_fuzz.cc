// The doors of look-ups take bytes from every client that can reach their sockets.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/text.h"
#include "verifyd/door/line.h"
#include "verifyd/door/socketmap.h"
#include "verifyd/door/tcp_table.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

bool IsPartOf(absl::string_view part, absl::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

// The message goes into the log, and back to the client.
void RequirePrintable(const absl::Status& status) {
  Require(verifyd::Printable(status.message(), 500) == status.message());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto request = verifyd::ParseSocketmapRequest(bytes); request.ok()) {
    Require(IsPartOf(request->key, bytes));
  } else {
    RequirePrintable(request.status());
  }
  if (const auto request = verifyd::ParseLineRequest(bytes); request.ok()) {
    Require(IsPartOf(request->address, bytes));
  } else {
    RequirePrintable(request.status());
  }
  if (const auto key = verifyd::ParseTcpTableRequest(bytes); key.ok()) {
    Require(key->size() < size);
  } else {
    RequirePrintable(key.status());
  }
  // We can read again what we write.
  const auto again = verifyd::ParseTcpTableRequest(absl::StrCat("get ", verifyd::EncodeTcpTableText(bytes), "\n"));
  Require(again.ok() && *again == bytes);
  return 0;
}
