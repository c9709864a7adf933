

net
opt*

v*
8
beta1_power
beta2_powermv*
;5
VARIABLE_VALUEv net/v/.ATTRIBUTES/VARIABLE_VALUE*
OI
VARIABLE_VALUEbeta1_power*opt/beta1_power/.ATTRIBUTES/VARIABLE_VALUE*
OI
VARIABLE_VALUEbeta2_power*opt/beta2_power/.ATTRIBUTES/VARIABLE_VALUE*
VP
VARIABLE_VALUEv/Adam6net/v/.OPTIMIZER_SLOT/opt/m/.ATTRIBUTES/VARIABLE_VALUE*
XR
VARIABLE_VALUEv/Adam_16net/v/.OPTIMIZER_SLOT/opt/v/.ATTRIBUTES/VARIABLE_VALUE*