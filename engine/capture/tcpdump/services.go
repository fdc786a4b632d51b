package tcpdump

import (
	"strconv"
	"strings"
)

// known are the names that programs print for ports: those of IANA, of Debian and the
// BSDs, by port.
const known = `
1 tcpmux; 7 echo; 9 discard null sink; 11 systat users; 13 daytime; 15 netstat; 17 qotd quote
19 chargen source ttytst; 20 ftp-data; 21 fsp fspd ftp; 22 ssh; 23 telnet; 25 mail smtp; 37 time timserver
43 nicname whois; 49 tacacs; 53 domain; 67 bootps; 68 bootpc; 69 tftp; 70 gopher; 79 finger
80 http www www-http; 88 kerberos kerberos-sec kerberos5 krb5; 102 iso-tsap tsap; 104 acr-nema dicom
106 poppassd; 110 pop-3 pop3; 111 portmapper rpcbind sunrpc; 113 auth authentication ident tap
119 nntp readnews untp; 123 ntp; 135 epmap loc-srv; 137 netbios-ns; 138 netbios-dgm; 139 netbios-ssn
143 imap imap2; 161 snmp; 162 snmp-trap snmptrap; 163 cmip-man; 164 cmip-agent; 174 mailq; 177 xdmcp; 179 bgp
199 smux; 209 qmtp; 210 wais z3950; 213 ipx; 319 ptp-event; 320 ptp-general; 345 pawserv; 346 zserv
369 rpc2portmap; 370 codaauth2; 371 Clearcase clearcase; 389 ldap; 427 svrloc; 443 https; 444 snpp
445 microsoft-ds; 464 kpasswd; 465 smtps ssmtp submissions urd; 487 saft; 500 isakmp; 512 biff comsat exec
513 login who whod; 514 cmd shell syslog; 515 printer spooler; 517 talk; 518 ntalk; 520 route routed router
538 gdomap; 540 uucp uucpd; 543 klogin; 544 krcmd kshell; 546 dhcpv6-client; 547 dhcpv6-server; 548 afpovertcp
554 rtsp; 563 nntps snntp; 587 submission; 607 nqs; 623 asf-rmcp; 628 qmqp; 631 ipp; 636 ldaps; 646 ldp
655 tinc; 706 silc; 749 kerberos-adm; 750 kdc kerberos-iv kerberos4; 751 kerberos-master kerberos_master
752 passwd-server passwd_server; 754 hprop krb-prop krb5_prop krb_prop; 775 moira-db moira_db
777 moira-update moira_update; 779 moira-ureg moira_ureg; 783 spamd; 853 domain-s; 871 supfilesrv; 873 rsync
989 ftps-data; 990 ftps; 992 telnets; 993 imaps; 995 pop3s; 1000 cadlock2; 1021 exp1; 1025 blackjack; 1026 cap
1058 nim; 1080 socks; 1093 proofd; 1094 rootd; 1099 rmiregistry; 1127 supfiledbg; 1178 skkserv; 1194 openvpn
1210 predict; 1234 search-agent; 1236 rmtcfg; 1241 nessus; 1247 visionpyramid; 1270 opsmgr; 1313 xtel
1314 xtelw; 1327 ultrex; 1344 icap; 1347 bbn-mmc; 1352 lotusnote lotusnotes; 1433 ms-sql-s; 1434 ms-sql-m
1521 ncube-lm oracle sqlnet; 1524 ingreslock; 1645 datametrics old-radius; 1646 old-radacct sa-msg-port
1649 kermit; 1677 groupwise; 1701 l2f l2tp; 1720 h323hostcall; 1723 pptp; 1812 radius; 1813 radacct radius-acct
1883 ibm-mqtt mqtt; 1935 macromedia-fcs rtmp; 2000 cisco-sccp; 2010 search; 2016 bootserver; 2022 down
2023 xinuexpansion3; 2049 nfs nfsd; 2086 gnunet; 2101 rtcm-sc104; 2102 zephyr-srv; 2103 zephyr-clt
2104 zephyr-hm; 2119 gsigatekeeper; 2121 iprop; 2123 gtp-control; 2135 gris; 2152 gtp-user
2181 eforward zookeeper; 2222 EtherNet-IP-1 EtherNet/IP-1; 2223 rockwell-csp2; 2280 lnvpoller; 2375 docker
2376 docker-s; 2379 etcd-client; 2380 etcd-server; 2401 cvspserver; 2430 venus; 2431 venus-se; 2432 codasrv
2433 codasrv-se; 2583 mon; 2600 zebrasrv; 2601 zebra; 2602 ripd; 2603 ripngd; 2604 ospfd; 2605 bgpd; 2606 ospf6d
2607 ospfapi; 2608 isisd; 2628 dict; 2701 sms-rcinfo; 2792 f5-globalsite; 2811 gsiftp; 2947 gpsd
3000 hbci ppp remoteware-cl; 3050 gds-db gds_db; 3130 icp icpv2; 3205 isns; 3260 iscsi-target; 3306 mysql
3389 ms-wbt-server rdp; 3478 stun; 3493 nut; 3544 teredo; 3632 distcc; 3689 daap; 3690 subversion svn
3986 mapper-ws-ethd; 4019 talarian-mcast5; 4031 suucp; 4094 sysrqd; 4190 sieve; 4353 f5-iquery; 4369 epmd
4373 remctl; 4460 ntske; 4500 ipsec-msft ipsec-nat-t; 4557 fax; 4559 hylafax; 4569 iax; 4691 mtn; 4789 vxlan
4899 radmin-port; 4949 lrrd munin; 5000 commplex-main upnp; 5001 commplex-link; 5003 fmpro-internal
5004 avt-profile-1; 5005 avt-profile-2; 5006 wsm-server; 5007 wsm-server-ssl; 5060 sip; 5061 sip-tls sips
5222 jabber-client xmpp-client; 5269 jabber-server xmpp-server; 5308 cfengine; 5353 mdns
5432 postgres postgresql; 5555 personal-agent rplay; 5556 freeciv rptp; 5666 nrpe; 5667 nsca; 5671 amqps
5672 amqp; 5680 canna; 5900 rfb vnc vnc-server; 5984 couchdb; 5985 wsman; 5986 wsmans; 6000 x11 x11-0
6001 x11-1; 6002 x11-2; 6003 x11-3; 6004 x11-4; 6005 x11-5; 6006 x11-6; 6007 x11-7; 6081 geneve
6346 gnutella-svc; 6347 gnutella-rtr; 6379 redis; 6443 k8s kube-apiserver sun-sr-https
6444 sge-qmaster sge_qmaster; 6445 sge-execd sge_execd; 6446 mysql-proxy; 6514 syslog-tls
6566 sane sane-port saned; 6667 ircd; 6696 babel; 6697 ircs-u; 7000 afs3-fileserver bbs; 7001 afs3-callback
7002 afs3-prserver; 7003 afs3-vlserver; 7004 afs3-kaserver; 7005 afs3-volser; 7007 afs3-bos; 7008 afs3-update
7009 afs3-rmtsys; 7100 font-service xfs; 8000 irdmi; 8021 zope-ftp; 8080 http-alt http-proxy webcache
8081 sunproxyadmin tproxy; 8082 us-cli; 8083 us-srv; 8087 simplifymedia; 8088 omniorb radan-http
8100 xprint-server; 8140 puppet; 8181 intermapper; 8443 https-alt pcsync-https; 8472 otv; 8883 secure-mqtt
8888 ddi-tcp-1 sun-answerbook; 8990 clc-build-daemon; 9000 cslistener; 9001 etlservicemgr; 9002 dynamid
9080 glrpc; 9090 websm; 9092 XmlIpcRegSvc; 9098 xinetd; 9100 hp-pdl-datastr jetdirect pdl-datastream
9101 bacula-dir; 9102 bacula-fd; 9103 bacula-sd; 9200 wap-wsp; 9300 vrace; 9418 git; 9443 tungsten-https
9667 xmms2; 9673 zope; 9875 sapv1; 9999 distinct; 10000 ndmp webmin; 10050 zabbix-agent; 10051 zabbix-trapper
10080 amanda; 10081 kamanda; 10082 amandaidx; 10083 amidxtape; 10809 nbd; 11211 memcache memcached; 11371 hkp
17001 sgi-cmsd; 17002 sgi-crsd; 17003 sgi-gcd; 17004 sgi-cad; 17500 db-lsp; 22000 snapenetio; 22125 dcap
22128 gsidcap; 22273 wnn6; 24554 binkp; 27017 mongod mongodb; 27374 asp; 30865 csync2; 44818 EtherNet/IP-2
57000 dircproxy; 60177 tfido; 60179 fido
`

// services are the ports by name.
var services = func() map[string]uint16 {
	out := map[string]uint16{}
	for _, entry := range strings.Split(strings.ReplaceAll(known, "\n", ";"), ";") {
		w := strings.Fields(entry)
		if len(w) == 0 {
			continue
		}
		n, _ := strconv.ParseUint(w[0], 10, 16)
		for _, name := range w[1:] {
			out[name] = uint16(n)
		}
	}
	return out
}()
