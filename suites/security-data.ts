import { backupsAreEncryptedWithAge } from './recovery-targets.ts'
import { daemonsAreEncrypted, encryptionIsOn } from './storage-ceph.ts'

/** SEC-07 says of volumes what STO-09 says, and of backups what DR-05 says. */
export const volumesToldToEncrypt = encryptionIsOn('SEC-07')
export const volumesEncrypted = daemonsAreEncrypted('SEC-07')
export const backupsEncryptedWithAge = backupsAreEncryptedWithAge('SEC-07')
