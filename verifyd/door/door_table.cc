#include "verifyd/door/door_table.h"

#include "verifyd/door/line.h"
#include "verifyd/door/milter.h"
#include "verifyd/door/policy.h"
#include "verifyd/door/socketmap.h"
#include "verifyd/door/tcp_table.h"
#include "verifyd/door/verify.h"

namespace verifyd {
namespace {

template <typename T>
std::unique_ptr<DoorProtocol> MakeMailProtocol(const DoorRooms& rooms) {
  return std::make_unique<T>(rooms.restrictions, rooms.record, rooms.metrics);
}

std::unique_ptr<DoorProtocol> MakeMilterProtocol(const DoorRooms& rooms) {
  return std::make_unique<MilterProtocol>(rooms.restrictions, rooms.record, rooms.metrics, rooms.timers);
}

std::unique_ptr<DoorProtocol> MakeVerifyProtocol(const DoorRooms& rooms) {
  return std::make_unique<VerifyProtocol>(rooms.verifier, rooms.resolver, rooms.record, rooms.metrics);
}

}  // namespace

const std::vector<DoorRow>& DoorTable() {
  static const auto* const kTable = new std::vector<DoorRow>{
      {.name = "policy", .make = MakeMailProtocol<PolicyProtocol>},
      {.name = "verify", .make = MakeVerifyProtocol},
      {.name = "milter", .make = MakeMilterProtocol},
      {.name = "socketmap", .make = MakeMailProtocol<SocketmapProtocol>},
      {.name = "tcp_table", .make = MakeMailProtocol<TcpTableProtocol>},
      {.name = "line", .make = MakeMailProtocol<LineProtocol>},
  };
  return *kTable;
}

}  // namespace verifyd
