#!/ bin / sh
#SPDX - License - Identifier : GPL - 2.0 - only
#Process events : what they say, and what is answered to those who ask for them.
insmod / ko / cnx.ko &&insmod / ko / cnx_procevents.ko &&exec test_procevents
