// Owner's rights: while one lives, this thread opens and makes files with no more rights than the owner of their folder
// has. Without it, libraries that follow symbolic links would open with root's rights whatever another user has put
// there.
//
// Thread: the one that made it. Without root it does nothing.
#ifndef VERIFYD_BASE_OWNERS_RIGHTS_H_
#define VERIFYD_BASE_OWNERS_RIGHTS_H_

#include <string>

namespace verifyd {

class OwnersRights {
 public:
  // Takes the owner of the folder that `file` is in, or would be.
  explicit OwnersRights(const std::string& file);
  ~OwnersRights();
  OwnersRights(const OwnersRights&) = delete;
  OwnersRights& operator=(const OwnersRights&) = delete;

 private:
  bool taken_ = false;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_OWNERS_RIGHTS_H_
