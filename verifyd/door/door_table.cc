#include "verifyd/door/door_table.h"

#include "verifyd/door/policy.h"

namespace verifyd {
namespace {

template <typename T>
std::unique_ptr<DoorProtocol> MakeMailProtocol(const DoorRooms& rooms) {
  return std::make_unique<T>(rooms.restrictions, rooms.metrics);
}

}  // namespace

const std::vector<DoorRow>& DoorTable() {
  static const auto* const kTable = new std::vector<DoorRow>{
      {.name = "policy", .make = MakeMailProtocol<PolicyProtocol>},
  };
  return *kTable;
}

}  // namespace verifyd
