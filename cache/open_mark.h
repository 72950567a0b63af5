// The open mark: a file beside the store, PATH-open.PID, that exists while the process of that number has the store
// open. A mark that is left over shows that its process did not end cleanly. Several processes may each have their own.
//
// The mark names the boot of the machine and the start time of the process: after a reboot another process may have the
// number, and the mark is not about that one.
//
// Marks are read and written with the rights of the folder's owner. Anything there but a plain file is neither read nor
// written.
//
// Thread: any.
#ifndef VERIFYD_CACHE_OPEN_MARK_H_
#define VERIFYD_CACHE_OPEN_MARK_H_

#include <string>

namespace verifyd {

class OpenMark {
 public:
  // Makes the mark of this process for the store at `path`. Where it can not be made, the next start takes the end for
  // a clean one.
  explicit OpenMark(const std::string& path);
  ~OpenMark();
  OpenMark(const OpenMark&) = delete;
  OpenMark& operator=(const OpenMark&) = delete;

  // Returns the number of another, living process that has the store open; 0: none.
  static int Holder(const std::string& path);

  // Removes the marks of processes that do not live any more (or whose number is ours now); true if there were any.
  // Call it before this process makes its own.
  static bool TakeLeftOver(const std::string& path);

 private:
  std::string file_;
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_OPEN_MARK_H_
