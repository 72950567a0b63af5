// Shares of a number of places that many want. It counts the places of each party and decides who may have one more, so
// that no stranger takes them all from the others.
//
//   - While half of the places are free, everybody may take more.
//   - After that a party may have a tenth of all, so that one who wants thousands leaves some to the others. A party is
//     a group that belongs together: mostly a registrable domain, as anybody can make up as many names below one as he
//     likes.
//   - Where it is for our own (what the operator has named), a party may have half of all: the operator's only domain
//     may be a large one.
//   - The last fifth is for our own alone: strangers together can not take it, however many parties they are.
//   - Fewer than kTooFew places are not shared out.
//
// Thread: one (the owner's).
#ifndef VERIFYD_BASE_SHARES_H_
#define VERIFYD_BASE_SHARES_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"

namespace verifyd {

class Shares {
 public:
  // A number that stands for the party, mostly a hash.
  using Party = uint64_t;

  explicit Shares(size_t places) : places_(places) {}
  void SetPlaces(size_t places) { places_ = places; }

  // Returns true if the party may have one more place.
  bool MayTake(Party party, bool ours) const {
    if (taken_ >= (ours ? places_ : ForStrangers())) return false;
    if (taken_ < places_ / 2 || places_ < kTooFew) return true;
    return TakenBy(party) < (ours ? places_ / 2 : places_ / 10);
  }
  // Returns true if parties that are not ours may take places at all.
  bool StrangersMayTake() const { return taken_ < ForStrangers(); }
  void Take(Party party) {
    ++taken_;
    ++by_party_[party];
  }
  void GiveBack(Party party) {
    --taken_;
    const auto found = by_party_.find(party);
    if (--found->second == 0) by_party_.erase(found);
  }

  size_t places() const { return places_; }
  size_t taken() const { return taken_; }
  size_t TakenBy(Party party) const {
    const auto found = by_party_.find(party);
    return found == by_party_.end() ? 0 : found->second;
  }

 private:
  static constexpr size_t kTooFew = 10;

  size_t ForStrangers() const { return places_ < kTooFew ? places_ : places_ - places_ / 5; }

  size_t places_;
  size_t taken_ = 0;
  absl::flat_hash_map<Party, size_t> by_party_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_SHARES_H_
