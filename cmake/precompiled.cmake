# With VERIFYD_PRECOMPILE the headers of libraries that most files include are parsed once, not once a file: of a build
# without optimisation, as the sanitizers are, that is most of the work. The release build goes without, so that there a file
# that includes too little is found out.
if(VERIFYD_PRECOMPILE)
  # Files that share a precompiled header must have the same flags, and some libraries ask for this one.
  add_compile_options(-pthread)
endif()
set(precompiled
  <algorithm> <array> <cstdint> <functional> <memory> <optional> <string> <utility> <vector>
  <absl/container/btree_map.h> <absl/container/flat_hash_map.h> <absl/container/flat_hash_set.h>
  <absl/functional/any_invocable.h> <absl/functional/function_ref.h> <absl/status/statusor.h> <absl/strings/ascii.h>
  <absl/strings/escaping.h> <absl/strings/match.h> <absl/strings/numbers.h> <absl/strings/str_cat.h>
  <absl/strings/str_format.h> <absl/strings/str_join.h> <absl/strings/str_replace.h> <absl/strings/str_split.h>
  <absl/strings/string_view.h> <absl/strings/strip.h> <absl/time/time.h>
  <boost/asio/as_tuple.hpp> <boost/asio/awaitable.hpp> <boost/asio/buffer.hpp> <boost/asio/co_spawn.hpp>
  <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp> <boost/asio/local/stream_protocol.hpp> <boost/asio/post.hpp>
  <boost/asio/read.hpp> <boost/asio/use_awaitable.hpp> <boost/asio/write.hpp> <boost/json.hpp>)

# verifyd_precompile(TARGET OWNER HEADER...): TARGET is compiled with the headers that OWNER, which comes first, precompiles:
# those above and HEADER...
function(verifyd_precompile target owner)
  if(NOT VERIFYD_PRECOMPILE)
    return()
  endif()
  if(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE ${precompiled} ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()
