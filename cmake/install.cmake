# `ninja programs` builds all that is installed; `cmake --install build/release [--prefix PREFIX]` installs it, in the
# places that Debian has for such things. DESTDIR stands in front of all of them.
#
# The prefix is the one given at install time: cmake/install_for_prefix.cmake writes it into the files that name a
# program. The settings are /etc/verifyd/verifyd.cf with every prefix.
add_custom_target(programs DEPENDS verifyd verifyctl verifyd-opensmtpd-filter)
install(TARGETS verifyd verifyd-opensmtpd-filter RUNTIME DESTINATION sbin)
install(TARGETS verifyctl RUNTIME DESTINATION bin)

foreach(section 1 5 8)
  file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.${section})
  install(FILES ${pages} DESTINATION share/man/man${section})
endforeach()

set(completion ${PROJECT_BINARY_DIR}/verifyctl/completion)
install(FILES ${completion}.bash DESTINATION share/bash-completion/completions RENAME verifyctl)
install(FILES ${completion}.fish DESTINATION share/fish/vendor_completions.d RENAME verifyctl.fish)

install(FILES ${PROJECT_SOURCE_DIR}/classifier/rules.txt DESTINATION share/verifyd)
install(PROGRAMS ${PROJECT_SOURCE_DIR}/scripts/disposable-domains DESTINATION share/verifyd)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/verifyd)
set(packaging ${PROJECT_SOURCE_DIR}/packaging)
install(FILES ${packaging}/main.cf.sample ${packaging}/sendmail.mc.sample DESTINATION share/doc/verifyd/examples)
install(DIRECTORY ${packaging}/snippets/ DESTINATION share/doc/verifyd/examples USE_SOURCE_PERMISSIONS PATTERN smtpd.conf EXCLUDE)

install(CODE "
  set(packaging ${packaging})
  set(work ${PROJECT_BINARY_DIR}/packaging)
  set(zsh_completion ${completion}.zsh)
  include(${PROJECT_SOURCE_DIR}/cmake/install_for_prefix.cmake)")
