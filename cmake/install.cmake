# cmake --install: programs, manual pages, systemd units and the sample configuration, in the places that Debian has for them.
include(GNUInstallDirs)

foreach(program verifyd verifyctl verifyd-opensmtpd-filter)
  if(TARGET ${program})
    if(program STREQUAL "verifyctl")
      install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    else()
      install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
    endif()
  endif()
endforeach()

foreach(section 1 5 8)
  file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.${section})
  if(pages)
    install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endif()
endforeach()

if(TARGET verifyctl)
  set(completion ${PROJECT_BINARY_DIR}/verifyctl/completion)
  install(FILES ${completion}.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME verifyctl)
  install(FILES ${completion}.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _verifyctl)
  install(FILES ${completion}.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME verifyctl.fish)
endif()

set(unit_source ${PROJECT_SOURCE_DIR}/packaging/systemd)
configure_file(${unit_source}/verifyd.service ${PROJECT_BINARY_DIR}/packaging/verifyd.service @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/packaging/verifyd.service ${unit_source}/verifyd.socket
              ${unit_source}/verifyd-verify.socket ${unit_source}/verifyd-postfix@.socket
              ${unit_source}/verifyd-postfix@.service DESTINATION lib/systemd/system)
install(FILES ${unit_source}/sysusers.conf DESTINATION lib/sysusers.d RENAME verifyd.conf)
install(FILES ${unit_source}/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME verifyd.conf)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/logcheck/verifyd DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/logcheck/ignore.d.server)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/main.cf.sample ${PROJECT_SOURCE_DIR}/packaging/sendmail.mc.sample
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/packaging/snippets/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
  USE_SOURCE_PERMISSIONS)
if(EXISTS ${PROJECT_SOURCE_DIR}/packaging/verifyd.cf)
  install(FILES ${PROJECT_SOURCE_DIR}/packaging/verifyd.cf DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/verifyd)
endif()
