#include "verifyd/door/door_table.h"

#include "verifyd/door/policy.h"
#include "verifyd/door/verify.h"

namespace verifyd {
namespace {

template <typename T>
std::unique_ptr<DoorProtocol> MakeMailProtocol(const DoorRooms& rooms) {
  return std::make_unique<T>(rooms.restrictions, rooms.metrics);
}

std::unique_ptr<DoorProtocol> MakeVerifyProtocol(const DoorRooms& rooms) {
  return std::make_unique<VerifyProtocol>(rooms.verifier, rooms.metrics);
}

}  // namespace

const std::vector<DoorRow>& DoorTable() {
  static const auto* const kTable = new std::vector<DoorRow>{
      {.name = "policy", .make = MakeMailProtocol<PolicyProtocol>},
      {.name = "verify", .make = MakeVerifyProtocol},
  };
  return *kTable;
}

}  // namespace verifyd
