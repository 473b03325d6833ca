export { type ErrorCode, FlagstoneError } from './errors.js'
